"""What a command costs: seconds, processor, memory."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

from klineboard.settings import PROJECT_ROOT
from tests.bench.server import Server

_SAMPLE_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Cost:
    """What a command took.

    Attributes:
        seconds: From its start to its exit.
        cpu: Seconds of the processor, children included, the database not.
        database_cpu: Seconds of the processor that PostgreSQL used meanwhile.
        memory: The largest resident memory in bytes, children included (what they
            share counted once each), the database not.
        output: Its standard output.
    """

    seconds: float
    cpu: float
    database_cpu: float
    memory: int
    output: str


class Watch:
    """Looks at a process and its children, again and again, until told to stop."""

    def __init__(self, pid: int, *, largest: bool = False) -> None:
        """Begin to look.

        Args:
            pid: The process.
            largest: ``memory`` is that of the largest of them instead of all.
        """
        self.memory = 0
        self._largest = largest
        self._cpu: dict[int, float] = {}
        self._process = psutil.Process(pid)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    @property
    def cpu(self) -> float:
        """Seconds of the processor so far."""
        return sum(self._cpu.values())

    def stop(self) -> None:
        """Look no more."""
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(_SAMPLE_SECONDS):
            sizes = [0]
            for process in self._family():
                try:
                    if process.name() == "postgres":
                        continue
                    sizes.append(process.memory_info().rss)
                    times = process.cpu_times()
                except psutil.NoSuchProcess:
                    continue
                self._cpu[process.pid] = times.user + times.system
            memory = max(sizes) if self._largest else sum(sizes)
            self.memory = max(self.memory, memory)

    def _family(self) -> list[psutil.Process]:
        try:
            return [self._process, *self._process.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []


@contextmanager
def watching(pid: int, *, largest: bool = False) -> Iterator[Watch]:
    """Watch a process while the block runs; see :class:`Watch`."""
    watch = Watch(pid, largest=largest)
    try:
        yield watch
    finally:
        watch.stop()


def cost_of(
    command: list[str], settings: dict[str, str], server: Server | None = None
) -> Cost:
    """Run a Python command to its end.

    Args:
        command: Arguments of the interpreter.
        settings: Its whole environment.
        server: Whose share of the processor counts as the database's.

    Raises:
        RuntimeError: It ended with an error; the text is its output.
    """
    database_before = server.cpu_seconds() if server else 0.0
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *command],
        env=settings,
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with watching(process.pid) as watch:
        output, _ = process.communicate()
    seconds = time.perf_counter() - began
    if process.returncode != 0:
        raise RuntimeError(f"{command} ended with {process.returncode}:\n{output}")
    database = server.cpu_seconds() - database_before if server else 0.0
    return Cost(seconds, watch.cpu, database, watch.memory, output)
