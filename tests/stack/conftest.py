"""The stack that all tests of this folder share, and a browser to look at it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.chromium import find_chromium, launched

from .stack import IMAGE, Stack, docker

STRANGER = 12345
"""Somebody who is neither root nor the image's user, and to whom logs/ belongs."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for all tests."""
    executable = find_chromium()
    if executable is None:
        pytest.fail("no Chromium found; on Debian: apt-get install chromium")
    with launched(executable) as browser:
        yield browser


@pytest.fixture(scope="session")
def strangers_logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log folder that somebody else owns and began to write in."""
    folder = tmp_path_factory.mktemp("stack") / "logs"
    folder.mkdir(mode=0o755)
    begun = folder / "collect.log"
    begun.write_text("begun by make run\n", encoding="utf-8")
    begun.chmod(0o600)
    if os.geteuid() == 0:
        for path in (begun, folder):
            os.chown(path, STRANGER, STRANGER)
    return folder


@pytest.fixture(scope="session")
def stack(strangers_logs: Path, request: pytest.FixtureRequest) -> Iterator[Stack]:
    """The stack: image built, database and market running, the others not yet."""
    _require_docker()
    failed_before = request.session.testsfailed
    stack = Stack(f"klineboard-test-{uuid.uuid4().hex[:8]}", strangers_logs)
    try:
        stack.compose("build", "--quiet")
        size = int(docker("image", "inspect", "-f", "{{.Size}}", IMAGE)) / 1e6
        stack.note(f"image built, {size:.0f} MB")
        stack.compose("up", "-d", "--wait", "db", "market")
        stack.note("database and market are healthy")
        yield stack
    finally:
        if request.session.testsfailed > failed_before or sys.exc_info()[0]:
            _tell_what_happened(stack)
        stack.down()
        docker("image", "rm", "-f", IMAGE)
        stack.note("torn down")


def _require_docker() -> None:
    if shutil.which("docker") is None:
        pytest.fail("the stack test needs Docker with Compose v2; there is no docker")
    asked = subprocess.run(
        ("docker", "compose", "ls"), capture_output=True, text=True, check=False
    )
    if asked.returncode:
        pytest.fail(f"the stack test needs a Docker engine: {asked.stderr.strip()}")


def _tell_what_happened(stack: Stack) -> None:
    for arguments in (("ps", "-a"), ("logs", "--no-color", "--tail", "60")):
        try:
            sys.stdout.write(stack.compose(*arguments).decode(errors="replace"))
        except AssertionError as error:
            sys.stdout.write(f"{error}\n")
