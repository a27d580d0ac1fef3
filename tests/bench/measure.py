"""What a command costs: seconds, processor, memory."""

from __future__ import annotations

import itertools
import resource
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

_SAMPLE_SECONDS = 0.1
# Finding children reads every process of the machine; ten samples share one search.
_SAMPLES_A_SEARCH = 10


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
        self._process = psutil.Process(pid)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        family: list[psutil.Process] = []
        for number in itertools.count():
            if self._ended.wait(_SAMPLE_SECONDS):
                return
            if number % _SAMPLES_A_SEARCH == 0:
                family = self._family()
            sizes = [0, *map(_memory, family)]
            memory = max(sizes) if self._largest else sum(sizes)
            self.memory = max(self.memory, memory)

    def _family(self) -> list[psutil.Process]:
        try:
            family = [self._process, *self._process.children(recursive=True)]
            return [process for process in family if process.name() != "postgres"]
        except psutil.NoSuchProcess:
            return []


def _memory(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


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
    before = _children_cpu()
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
    return Cost(seconds, _children_cpu() - before, database, watch.memory, output)


def _children_cpu() -> float:
    """Return what all children that have ended used, and theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
