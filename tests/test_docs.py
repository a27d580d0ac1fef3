"""The documents are true: they name what exists, and nothing that does not."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from klineboard.settings import KEYS, PROJECT_ROOT
from klineboard.storage.database import Database
from tests.bench.parts import PARTS

README = (PROJECT_ROOT / "README.md").read_text(encoding="utf-8")


def test_readme_names_every_setting_and_its_default() -> None:
    table = README.split("## Settings")[1].split("## Commands")[0]
    for key, default in KEYS.items():
        assert f"`{key}`" in table, key
        assert default == "" or f"`{default}`" in table, (key, default)


def test_readme_names_every_command_of_the_makefile_and_no_other() -> None:
    makefile = (PROJECT_ROOT / "Makefile").read_text(encoding="utf-8")
    defined = set(re.findall(r"^([a-z-]+):.*##", makefile, re.MULTILINE)) - {"help"}
    assert set(re.findall(r"make ([a-z-]+)", README)) - {"python"} >= defined
    assert set(re.findall(r"`make ([a-z-]+)`", README)) <= defined


@pytest.mark.parametrize(
    ("door", "begin", "end"),
    [
        ("get_kline_data.py", "## The collector", "## The live relay"),
        ("stream_kline_data.py", "## The live relay", "## Settings"),
    ],
)
def test_readme_names_every_option_of_a_door(door: str, begin: str, end: str) -> None:
    usage = subprocess.run(
        [sys.executable, PROJECT_ROOT / door, "--help"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.replace("--replay-stream", "")
    options = set(re.findall(r"--[a-z-]+", usage)) - {"--help", "--version"}
    table = README.split(begin)[1].split(end)[0]
    assert {option for option in options if f"`{option}" not in table} == set()


def test_readme_names_every_table_of_the_database(database: Database) -> None:
    with database.transaction() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = {row[0] for row in cursor.fetchall()}
    assert {table for table in tables if f"`{table}`" not in README} == set()


def test_the_three_queries_of_the_readme_run(database: Database) -> None:
    queries = README.split("```sql")[1].split("```")[0].split(";")[:3]
    with database.transaction() as cursor:
        cursor.execute("CREATE VIEW btcusdt_1d AS SELECT * FROM klines")
        for query in queries:
            cursor.execute(query)


@pytest.mark.parametrize("place", ["README.md", "docs/ARCHITECTURE.md"])
def test_every_link_and_path_leads_somewhere(place: str) -> None:
    path = PROJECT_ROOT / place
    for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target


def test_readme_names_every_service_of_compose() -> None:
    compose = (PROJECT_ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    services = compose.split("\nservices:\n")[1].split("\nnetworks:\n")[0]
    names = re.findall(r"^  ([a-z]+):$", services, re.MULTILINE)
    assert names
    section = README.split("## With Docker")[1].split("## The collector")[0]
    assert [name for name in names if f"`{name}`" not in section] == []


def test_benchmarks_tell_the_place_and_every_part() -> None:
    path = PROJECT_ROOT / "docs/BENCHMARKS.md"
    if not path.exists():
        pytest.skip("make bench writes it")
    text = path.read_text(encoding="utf-8")
    for name in ("processor", "memory", "Python", "PostgreSQL", "date", "commit"):
        assert f"| {name} |" in text, name
    for part in PARTS:
        assert f"`python -m tests.bench --only {part}`" in text, part
