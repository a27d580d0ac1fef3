-- What a run of wrk found, as one line of JSON: its own report knows no p95.
function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "seconds": %f, "bytes": %d, "p50": %f, "p95": %f, ' ..
    '"p99": %f, "refused": %d, "lost": %d, "late": %d}\n',
    summary.requests, summary.duration / 1e6, summary.bytes,
    latency:percentile(50) / 1e3, latency:percentile(95) / 1e3,
    latency:percentile(99) / 1e3, errors.status,
    errors.connect + errors.read + errors.write, errors.timeout))
end
