"""`penguinmails audit verify`, as an auditor runs it: no installation, no settings, and an exit code."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.evidence import KEY, changed, log_of, mirrored, written

LOG = log_of(50)


@pytest.fixture(name="bundle")
def _bundle(tmp_path: Path) -> Path:
    file = tmp_path / "bundle.zip"
    file.write_bytes(written(LOG.part()))
    return file


def verify(*arguments: str | Path, main: bool = False) -> subprocess.CompletedProcess[str]:
    program = ["-c", "from api.cli.main import app; app()"] if main else ["-m", "api.cli"]
    command = [sys.executable, *program, "audit", "verify", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={"PATH": ""})


def test_it_says_in_words_and_by_its_exit_code_what_holds(bundle: Path, tmp_path: Path) -> None:
    kept = mirrored(LOG, 40, tmp_path / "kept")
    (tmp_path / "kept" / "checkpoint").write_bytes(kept.data)
    (tmp_path / "keys").write_text(f"{KEY}\n\n", encoding="ascii")
    done = verify(bundle, "--key", f"@{tmp_path / 'keys'}", "--checkpoint", tmp_path / "kept" / "checkpoint")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(
        "The bundle holds.\n\nProven:\n- The checkpoint of the log events is signed by "
    )
    bundle.write_bytes(
        changed(
            bundle.read_bytes(), events__events_jsonl=lambda data: data.replace(b"number 17", b"number 71")
        )
    )
    done = verify(bundle, "--key", str(KEY), "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["outcome"], told["first_wrong"]) == (
        5,
        "does not hold",
        [{"log": "events", "first": 17, "last": 17}],
    )
    bundle.write_bytes(bundle.read_bytes()[:999])
    assert verify(bundle).returncode == 6


def test_within_the_whole_program_it_is_the_same(bundle: Path) -> None:
    done = verify(bundle, main=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == verify(bundle).stdout


def test_what_is_not_there_or_not_understood(bundle: Path, tmp_path: Path) -> None:
    for arguments, code, said in (
        ([tmp_path / "none.zip"], 3, "none.zip cannot be read"),
        ([tmp_path], 3, "cannot be read"),
        ([bundle, "--checkpoint", tmp_path / "none"], 3, "none cannot be read"),
        ([bundle, "--key", "@none"], 3, "none cannot be read"),
        ([bundle, "--key", "no key"], 2, "--key: "),
        ([], 2, "Missing argument"),
    ):
        done = verify(*arguments)
        assert (done.returncode, done.stdout) == (code, "")
        assert said in done.stderr
        assert "Traceback" not in done.stderr
    told = verify(tmp_path / "none.zip", "--json").stderr
    assert json.loads(told)["code"] == "not-found"
    other = tmp_path / "other"
    other.write_bytes(b"no checkpoint")
    done = verify(bundle, "--checkpoint", other, "--disclosure", other)
    assert done.returncode == 6


def test_it_loads_nothing_that_serves_an_installation() -> None:
    program = """if True:
        import sys
        import api.cli.audit_verify
        known = {"adapters", "api", "domain", "typer", "cryptography", "shellingham", "annotated_doc", "rich"}
        found = {name.partition(".")[0] for name in sys.modules} - sys.stdlib_module_names - known
        print(*sorted(name for name in found if not name.startswith("_")))
    """
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
