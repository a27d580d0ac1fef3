"""How many clients this process may hold: each one is an open file."""

from __future__ import annotations

import resource

RESERVED = 256
"""Open files that are not for clients: the exchange, the database, logs, refusals."""


def allow_open_files(clients: int) -> int:
    """Raise the limit of open files as far as needed and allowed.

    Returns:
        How many clients there can be, at most ``clients``.
    """
    wanted = clients + RESERVED
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY:
        return clients
    return max(1, min(clients, soft - RESERVED))
