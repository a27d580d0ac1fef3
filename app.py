"""The door of the web application: ``gunicorn app:app`` or ``python app.py``."""

from __future__ import annotations

import os
import socket
import sys

from klineboard import logs
from klineboard.errors import SettingsError
from klineboard.settings import PROJECT_ROOT, Settings

# The worker is gunicorn's threaded one, and keeps slow readers of exports apart.
# max-requests returns the memory that long-lived workers collect; a worker that ends so
# is missed for a moment, which should not come every few minutes where many ask. The
# control socket of gunicorn 25.1 and later would need a home folder that a container
# lacks.
_FLAGS = (
    "--worker-class=klineboard.web.worker.Worker --timeout=60 --graceful-timeout=10 "
    "--max-requests=1000000 --max-requests-jitter=200000 --no-control-socket"
).split()
_MEMORY_FOLDER = "/dev/shm"


def main() -> None:
    """Become gunicorn, on the host and port of the settings.

    Exits with 2 where the settings are wrong or the port is in use.
    """
    try:
        settings = Settings.load()
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
    try:
        listener = _listen(settings.web_host, settings.web_port)
    except OSError as error:
        place = f"WEB_HOST={settings.web_host} WEB_PORT={settings.web_port}"
        sys.stderr.write(f"{place}: {error.strerror or error}\n")
        sys.exit(2)
    # The socket is handed over, so that nobody can take the port in between.
    listener.set_inheritable(True)
    flags = [*_FLAGS, f"--chdir={PROJECT_ROOT}", f"--bind=fd://{listener.fileno()}"]
    # Always told: where they are not, WEB_CONCURRENCY of the environment decides.
    flags += [f"--workers={settings.web_workers}", f"--threads={settings.web_threads}"]
    if os.path.isdir(_MEMORY_FOLDER):
        flags.append(f"--worker-tmp-dir={_MEMORY_FOLDER}")
    shown = f"[{settings.web_host}]" if ":" in settings.web_host else settings.web_host
    sys.stdout.write(f"klineboard is at http://{shown}:{settings.web_port}\n")
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "gunicorn", *flags, "app:app"])


def _listen(host: str, port: int) -> socket.socket:
    family, _, _, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    return socket.create_server(address[:2], family=family, backlog=512)


if __name__ == "__main__":
    main()
else:
    from klineboard.jobs.roll_up import roll_up
    from klineboard.web import create_app

    # Wrong settings are left to raise: gunicorn tells them and gives up, whereas it
    # would start a worker that exits with 2 again and again.
    _loaded = Settings.load()
    logs.start(_loaded, "web")
    app = create_app(_loaded, roll_up=roll_up)
