"""What each layer may import. import-linter holds the direction; here stands what comes from outside."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAYERS = ("domain", "application", "projections", "adapters", "api")
OUTSIDE = {
    # holidays: data and arithmetic of calendars, as pure as zoneinfo; business days are part of what laws say
    # selectolax: what a text is to a browser, as pure; domain.campaign.visible alone knows it
    "domain": {"pydantic", "pydantic_core", "holidays", "selectolax"},
    # orjson: the log's JSON is also read where it is used
    # liquid: parses and fills in texts, as pure as holidays; application.templates alone knows it
    "application": {"domain", "pydantic", "pydantic_core", "orjson", "liquid"},
    # the libraries of statistics: projections/directions alone, see below
    # babel: numbers and dates of its sentences, by language
    "projections": {
        "domain",
        "application",
        "pydantic",
        "orjson",
        "psycopg",
        "psycopg_pool",
        "duckdb",
        "pyarrow",
        "babel",
        "numpy",
        "pymannkendall",
        "ruptures",
        "scipy",
        "statsmodels",
    },
}


def imported(layer: str) -> Iterator[tuple[str, str]]:
    """Every module that a layer imports, by its first name, and where."""
    for file in sorted((ROOT / layer).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module is not None and node.level == 0:
                names = [node.module]
            for name in names:
                yield name.partition(".")[0], f"{file.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"


@pytest.mark.parametrize("layer", OUTSIDE)
def test_a_layer_imports_only_what_it_may(layer: str) -> None:
    allowed = OUTSIDE[layer] | {layer} | sys.stdlib_module_names
    assert [f"{where}: {name}" for name, where in imported(layer) if name not in allowed] == []


@pytest.mark.parametrize(
    ("library", "module"),
    [("liquid", "application/templates.py"), ("selectolax", "domain/campaign/visible.py")],
)
def test_one_module_knows_a_library_of_texts(library: str, module: str) -> None:
    found = {
        where.partition(":")[0] for layer in LAYERS for name, where in imported(layer) if name == library
    }
    assert found == {module}


STATISTICS = {"numpy", "pymannkendall", "ruptures", "scipy", "statsmodels"}


def test_directions_alone_know_the_libraries_of_statistics() -> None:
    found = {
        where.partition(":")[0] for layer in LAYERS for name, where in imported(layer) if name in STATISTICS
    }
    assert {file for file in found if not file.startswith("projections/directions/")} == set()


def test_nothing_that_starts_loads_them() -> None:
    """They take a second or two and much memory: whoever reads a direction imports the reading then."""
    program = """if True:
        import sys
        import api.cli.main, api.composition, api.http.app, projections.olap.query
        print(*sorted({"pymannkendall", "ruptures", "scipy", "statsmodels"} & set(sys.modules)))
    """
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []


def test_who_only_looks_whether_the_database_is_migrated_loads_nothing_that_migrates() -> None:
    program = """if True:
        import sys
        import api.ops.processes.api, api.ops.processes.projector, api.ops.processes.worker
        print(*sorted({"alembic", "sqlalchemy"} & set(sys.modules)))
    """
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []


def test_every_folder_of_code_is_a_layer() -> None:
    """So that the contract of import-linter is exhaustive: a new top-level package must take its place in it."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = {file.parent.name for file in ROOT.glob("*/__init__.py")}
    assert packages == set(LAYERS)
    assert set(config["tool"]["importlinter"]["root_packages"]) == packages
    layers = next(c for c in config["tool"]["importlinter"]["contracts"] if c["type"] == "layers")
    assert tuple(reversed(layers["layers"])) == LAYERS
