"""What docker-compose.yml, crontab and the image promise, without starting them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from dotenv import dotenv_values

ROOT = Path(__file__).resolve().parent.parent
Services = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def services() -> Services:
    """The services as docker compose reads them; needs no engine."""
    if shutil.which("docker") is None or _compose("version").returncode:
        pytest.skip("docker compose is not installed")
    done = _compose("config", "--format", "json")
    assert done.returncode == 0, done.stderr
    found: Services = json.loads(done.stdout)["services"]
    return found


def _compose(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ("docker", "compose", *arguments),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_ports_are_open_on_loopback_only(services: Services) -> None:
    ports = [port for service in services.values() for port in service.get("ports", ())]
    assert {port["target"] for port in ports} == {5555, 8080, 8765}
    assert {port["host_ip"] for port in ports} == {"127.0.0.1"}


def test_database_publishes_no_port(services: Services) -> None:
    assert "ports" not in services["db"]


def test_every_service_restarts_and_tells_its_health(services: Services) -> None:
    for name, service in services.items():
        assert service["restart"] == "unless-stopped", name
        assert service["healthcheck"]["test"], name


def test_every_service_is_restrained(services: Services) -> None:
    for name, service in services.items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["logging"]["options"].keys() == {"max-size", "max-file"}, name
    added = {name: service.get("cap_add") for name, service in services.items()}
    assert {name for name, capabilities in added.items() if capabilities} == {"cron"}


def test_who_needs_the_database_waits_for_its_health(services: Services) -> None:
    for name in services.keys() - {"db"}:
        waits = services[name]["depends_on"]["db"]
        assert waits["condition"] == "service_healthy", name


def test_images_of_others_are_pinned_to_a_version(services: Services) -> None:
    bases = re.findall(r"^FROM (\S+:\S+)", (ROOT / "Dockerfile").read_text(), re.M)
    others = [one["image"] for one in services.values() if "build" not in one]
    assert len(bases) == 2 and len(others) == 2
    assert all(re.search(r":\d[\w.-]*$", image) for image in bases + others)


def test_containers_get_every_setting_of_env(services: Services) -> None:
    keys = dotenv_values(ROOT / ".env").keys()
    for name in ("cron", "stream", "web"):
        assert keys <= services[name]["environment"].keys(), name
        assert services[name]["environment"]["POSTGRES_HOST"] == "db", name


def test_cron_collects_every_hour_after_the_candles_closed() -> None:
    lines = (ROOT / "crontab").read_text(encoding="utf-8").splitlines()
    jobs = [line.split(None, 5) for line in lines if line and not line.startswith("#")]
    assert jobs == [["0", "*", "*", "*", "*", "sleep 5; docker/collect.sh"]]


def test_the_image_is_built_from_named_files_only() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if not line.startswith("#")]
    assert rules[0] == "*"
    assert not {"!.env", "!data", "!logs", "!.git"} & set(rules)


def test_the_image_runs_as_an_unprivileged_user() -> None:
    users = re.findall(r"^USER (\S+)", (ROOT / "Dockerfile").read_text(), re.M)
    assert users and users[-1] not in ("root", "0")
