# One image for every process of klineboard: the page, the collector, the relay.

FROM python:3.13-slim AS packages
# The virtual environment gets no pip: the image needs none when it runs.
RUN python -m venv --without-pip /opt/venv
COPY requirements.txt .
RUN pip --python /opt/venv/bin/python install --quiet --no-cache-dir \
    --disable-pip-version-check --require-hashes -r requirements.txt

# The page's JavaScript. Node comes from PyPI, pinned like everything else, and stays
# behind in this stage.
FROM packages AS page
COPY requirements-node.txt .
RUN pip --python /opt/venv/bin/python install --quiet --no-cache-dir \
    --disable-pip-version-check --require-hashes -r requirements-node.txt
WORKDIR /page
COPY package.json package-lock.json .npmrc ./
# The scripts of package.json copy the charting libraries into static/vendor.
RUN PATH=/opt/venv/bin:$PATH npm ci --omit=dev

FROM python:3.13-slim
LABEL org.opencontainers.image.title="klineboard" \
      org.opencontainers.image.description="A self-hosted candlestick dashboard" \
      org.opencontainers.image.licenses="MIT"
RUN apt-get -qq update \
 && apt-get -qq install -y --no-install-recommends busybox-static >/dev/null \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/*
# 1000 is the first user of most machines, so that the files in the mounted logs/
# mostly belong to the person who reads them. crond needs the name and the shell.
RUN useradd --uid 1000 --user-group --no-create-home --home-dir /app --shell /bin/sh \
    klineboard
WORKDIR /app
RUN install -d -o klineboard -g klineboard data logs
ENV PATH=/opt/venv/bin:$PATH \
    LANG=C.UTF-8 \
    PYTHONUNBUFFERED=1 \
    DATA_DIR=/app/data \
    LOG_DIR=/app/logs
COPY --from=packages /opt/venv /opt/venv
COPY docker docker
COPY app.py *_kline_data.py crontab ./
COPY templates templates
COPY static static
COPY --from=page /page/static/vendor static/vendor
COPY klineboard klineboard
# The root file system is read-only when it runs: compile now, and never then.
RUN python -m compileall -q .
ENV PYTHONDONTWRITEBYTECODE=1
USER klineboard
EXPOSE 5555 8765
ENTRYPOINT ["/app/docker/entrypoint.sh"]
CMD ["python", "app.py"]
