"""The compose stack as the tests drive it: commands, SQL, HTTP and waiting."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).resolve().parents[2]
IMAGE = "klineboard:stack-test"
_FILES = ("docker-compose.yml", "tests/stack/docker-compose.simulator.yml")
_POLL_SECONDS = 0.25

# The image holds neither ps nor pkill. docker-init's command line names it, too.
_KILL = """
import os, pathlib, signal
for process in pathlib.Path("/proc").glob("[0-9]*"):
    words = (process / "cmdline").read_bytes()
    if b"NAME" in words and b"python" in words.split(b"\\0")[0]:
        os.kill(int(process.name), signal.SIGKILL)
"""

T = TypeVar("T")


def eventually(what: str, check: Callable[[], T], seconds: float = 60) -> T:
    """Ask again and again until the answer is true, and return it.

    Raises:
        AssertionError: It was not within ``seconds``; the text has the last answer.
    """
    deadline = time.monotonic() + seconds
    while not (answer := check()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {what}; got {answer!r}")
        time.sleep(_POLL_SECONDS)
    return answer


def free_port() -> int:
    """Return a port of loopback that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def docker(*arguments: str) -> str:
    """Run a docker command, and return its output.

    Raises:
        AssertionError: It failed; the text has what it said.
    """
    return _run(("docker", *arguments), dict(os.environ), None).decode()


def listed(kind: Sequence[str], project: str) -> list[str]:
    """Return the containers, volumes or networks that belong to a project."""
    label = f"label=com.docker.compose.project={project}"
    return docker(*kind, "-q", "--filter", label).split()


@dataclass
class Stack:
    """One project of the real compose file with the simulator beside it.

    Attributes:
        project: Name of the compose project.
        logs: Folder of the host that is mounted as logs/.
        web_port: Where the page is published.
        adminer_port: Where Adminer is published.
        stream_port: Where the relay is published.
    """

    project: str
    logs: Path
    web_port: int = field(default_factory=free_port)
    adminer_port: int = field(default_factory=free_port)
    stream_port: int = field(default_factory=free_port)
    _started: float = field(default_factory=time.monotonic)

    @property
    def page(self) -> str:
        """The address of the dashboard."""
        return f"http://127.0.0.1:{self.web_port}"

    @property
    def relay(self) -> str:
        """The address of the relay."""
        return f"ws://127.0.0.1:{self.stream_port}"

    @property
    def adminer(self) -> str:
        """The address of Adminer."""
        return f"http://127.0.0.1:{self.adminer_port}"

    def note(self, text: str) -> None:
        """Print a line with the seconds since the beginning."""
        sys.stdout.write(f"[{time.monotonic() - self._started:6.1f} s] {text}\n")
        sys.stdout.flush()

    def compose(self, *arguments: str, stdin: bytes | None = None) -> bytes:
        """Run a docker compose command on this project, and return its output."""
        return _run(self._command(*arguments), self._environment(), stdin)

    def in_background(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a docker compose command on this project; all it says in one pipe."""
        return subprocess.Popen(
            self._command(*arguments),
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def collect(self, *options: str) -> subprocess.Popen[bytes]:
        """Start a collection in the cron container, as README.md says."""
        return self.in_background("exec", "-T", "cron", "docker/collect.sh", *options)

    def sql(self, statement: str, **values: str) -> bytes:
        """Run a statement with psql inside the db container; unaligned output.

        Args:
            statement: One statement; ``:'name'`` stands for a value.
            values: The values.
        """
        psql = 'psql -qAtX -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" "$@" "$POSTGRES_DB"'
        pairs = [part for name in values for part in ("-v", f"{name}={values[name]}")]
        return self.compose(
            *("exec", "-T", "db", "sh", "-c", psql, "sh", *pairs),
            stdin=statement.encode(),
        )

    def number(self, statement: str, **values: str) -> int:
        """Return the number that a statement gives; 0 where it cannot run yet."""
        try:
            return int(self.sql(statement, **values))
        except AssertionError:
            return 0

    def row(self, statement: str, **values: str) -> list[str]:
        """Return the first row that a statement gives."""
        return self.sql(statement, **values).decode().splitlines()[0].split("|")

    def kill(self, service: str, door: str) -> None:
        """SIGKILL every process of a door in a service's container, in an instant.

        Detached, since with the container's first process the killer ends, too; look
        at what becomes of it.
        """
        script = _KILL.replace("NAME", door)
        self.compose(
            *("exec", "-d", "-u", "klineboard", service, "python", "-c", script)
        )

    def health(self) -> int:
        """Return the status of the page's /health; 0 where nobody answers."""
        try:
            with urllib.request.urlopen(f"{self.page}/health", timeout=30) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code
        except OSError:
            return 0

    def container(self, service: str) -> dict[str, Any]:
        """Return what docker inspect tells of a service's container."""
        name = self.compose("ps", "-aq", service).decode().strip()
        found: dict[str, Any] = json.loads(docker("inspect", name))[0]
        return found

    def log(self, service: str) -> str:
        """Return all that a service said."""
        return self.compose("logs", "--no-color", "--no-log-prefix", service).decode()

    def down(self) -> None:
        """End the stack, and take its volumes, networks and image away."""
        self.compose("down", "-v", "--remove-orphans")

    def _command(self, *arguments: str) -> tuple[str, ...]:
        files = [part for file in _FILES for part in ("-f", str(ROOT / file))]
        return ("docker", "compose", "-p", self.project, *files, *arguments)

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "WEB_PORT": str(self.web_port),
            "ADMINER_PORT": str(self.adminer_port),
            "STREAM_PORT": str(self.stream_port),
            "STACK_LOGS": str(self.logs),
        }


def _run(
    command: Sequence[str], environment: dict[str, str], stdin: bytes | None
) -> bytes:
    __tracebackhide__ = True  # The environment is nobody's business.
    done = subprocess.run(
        command,
        env=environment,
        input=stdin or b"",
        capture_output=True,
        timeout=900,
        check=False,
    )
    if done.returncode:
        said = (done.stdout[-4000:] + done.stderr[-4000:]).decode(errors="replace")
        raise AssertionError(
            f"{' '.join(command)} ended with {done.returncode}:\n{said}"
        )
    return done.stdout
