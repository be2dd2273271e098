"""The set-up stays as it is described: locked, without addresses, each choice with its reason."""

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest

from scripts import make_environment
from scripts.rls_matrix import page

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "requirements-dev.lock")


def pinned(lock: str) -> dict[str, str]:
    """Name and version of each package in a lock."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==([^ \\]+)", text, re.MULTILINE))


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_names_versions_and_hashes_alone(lock: str) -> None:
    allowed = re.compile(
        r"# .*do not edit\.|[A-Za-z0-9._-]+==[^/ ]+( ; [a-z_ <>='.0-9()]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?"
    )
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert [line for line in text.splitlines() if not allowed.fullmatch(line)] == []


def test_what_is_tested_is_what_runs() -> None:
    run, dev = map(pinned, LOCKS)
    assert {name: version for name, version in run.items() if dev.get(name) != version} == {}


def test_every_dependency_is_locked_and_has_its_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)["project"]
    wanted = [
        *project["dependencies"],
        *(d for extra in project["optional-dependencies"].values() for d in extra),
    ]
    run = pinned("requirements.lock")
    for requirement in wanted:
        name = re.split(r"[\[<>=]", requirement)[0]
        assert name in run, f"{name} is not in requirements.lock: run scripts/lock"
        lines = [line for line in text.splitlines() if f'"{requirement}"' in line]
        assert any("  # " in line for line in lines), f"{name}: say why it is here"


# Tools that nothing imports, and where they are at work.
AT_WORK = {
    "chdb": ("scripts/benches/reports_peers.py", "import chdb"),
    "flask": ("tests/support/buckets.py", "moto.server"),
    "flask-cors": ("tests/support/buckets.py", "moto.server"),
    "import-linter": ("scripts/test", "lint-imports"),
    "mypy": ("scripts/test", "mypy"),
    "pycryptodome": ("tests/contract/eventstore/test_library_recorders.py", "eventsourcing.tests"),
    "pytest-asyncio": ("pyproject.toml", "asyncio_mode"),
    "pytest-xdist": ("scripts/test", "-n 3"),
    "ruff": ("scripts/test", "ruff"),
    "types-psutil": ("scripts/crash_harness.py", "import psutil"),
    "uv": ("scripts/lock", "bin/uv"),
}


def test_every_tool_of_development_is_used() -> None:
    group = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]["dev"]
    sources = [
        path.read_text(encoding="utf-8")
        for top in ("tests", "scripts")
        for path in (ROOT / top).rglob("*.py")
    ]
    for name in (re.split(r"[\[<>=]", requirement)[0] for requirement in group):
        if name in AT_WORK:
            file, words = AT_WORK[name]
            assert words in (ROOT / file).read_text(encoding="utf-8"), f"{file} does not use {name}"
        else:
            imports = re.compile(rf"^(import|from) {name.replace('-', '_')}\b", re.MULTILINE)
            assert any(map(imports.search, sources)), f"nothing uses {name}: take it out of pyproject.toml"


def test_every_lint_ignore_has_its_reason() -> None:
    section = (
        (ROOT / "pyproject.toml")
        .read_text(encoding="utf-8")
        .partition("[tool.ruff.lint]")[2]
        .partition("[tool.mypy]")[0]
    )
    codes = [line for line in section.splitlines() if re.match(r'    "[A-Z]+[0-9]*",', line)]
    assert codes
    assert [line for line in codes if "  # " not in line] == []


@pytest.mark.parametrize(
    "script", ["scripts/calibrate", "scripts/lib.sh", "scripts/lock", "scripts/run", "scripts/test"]
)
def test_scripts_are_plain_sh(script: str) -> None:
    subprocess.run(["sh", "-n", ROOT / script], check=True)


def test_the_page_of_rights_is_the_matrix() -> None:
    told = "docs/rls-matrix.md is old: scripts/rls_matrix.py > docs/rls-matrix.md"
    assert (ROOT / "docs" / "rls-matrix.md").read_text(encoding="utf-8") == page(), told


def test_an_environment_of_somebody_elses_is_not_emptied(tmp_path: Path) -> None:
    checkout, elsewhere = tmp_path / "checkout", tmp_path / "elsewhere"
    shutil.copytree(ROOT / "scripts", checkout / "scripts")
    for lock in ROOT.glob("requirements*.lock"):
        shutil.copy(lock, checkout)
    elsewhere.mkdir()
    (elsewhere / "kept").touch()
    (checkout / ".venv").symlink_to(elsewhere)
    program = [sys.executable, str(checkout / "scripts" / "make_environment.py"), "run"]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "is a link" in done.stderr
    assert (elsewhere / "kept").exists()


@pytest.mark.parametrize(
    ("made_of_run", "made_of_dev", "first"),
    [
        ("current", None, "pip"),
        ("current", "older", "venv"),
        ("older", "current", "venv"),
        ("older", None, "venv"),
        (None, None, "venv"),
    ],
)
def test_an_environment_is_made_anew_when_a_lock_it_was_made_from_has_changed(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    made_of_run: str | None,
    made_of_dev: str | None,
    first: str,
) -> None:
    def done(_: str, command: Sequence[str | Path]) -> None:
        steps.append([*map(str, command)])

    steps: list[list[str]] = []
    monkeypatch.setattr(make_environment, "VENV", tmp_path)
    monkeypatch.setattr(make_environment, "step", done)
    for kind, state in (("run", made_of_run), ("dev", made_of_dev)):
        if state is not None:
            digest = make_environment.wanted(kind) if state == "current" else "of an older lock"
            (tmp_path / f".made-{kind}").write_text(digest)
    make_environment.make("dev")
    assert first in steps[0]
    assert make_environment.is_current("run")
    assert make_environment.is_current("dev")


@pytest.mark.xdist_group("one worker")
def test_what_is_to_run_on_one_worker_does(request: pytest.FixtureRequest) -> None:
    """A runner that does not know of groups says nothing, and two installations are served at once."""
    told = request.config.getoption("loadgroup", default=False)
    assert not told or request.node.nodeid.endswith("@one worker")
