"""What is said at the end of an import."""

from pathlib import Path
from typing import Any

import pytest

from api.cli.imports import show_end
from api.cli.output import Refused

STATE: dict[str, Any] = {
    "status": "completed",
    "rows_done": 5,
    "imported": 3,
    "updated": 0,
    "skipped": 0,
    "rejected": 2,
    "rejected_kept": 2,
    "problems": {"email-missing": 2},
}


def test_rejected_rows_that_are_only_counted_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    show_end(STATE, Path("people.errors.csv"))
    assert "The rejected rows are in people.errors.csv" in capsys.readouterr().err
    show_end({**STATE, "rejected": 250_000, "rejected_kept": 100_000}, Path("people.errors.csv"))
    assert "The first 100,000 of 250,000 rejected rows are in" in capsys.readouterr().err


def test_a_failed_import_says_what_to_do() -> None:
    failed = {**STATE, "status": "failed", "failure": "import-without-addresses", "remedy": "Look at it."}
    with pytest.raises(Refused, match=r"^The import is failed: import-without-addresses\. Look at it\.$"):
        show_end(failed, None)
