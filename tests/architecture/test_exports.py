"""An export is recorded in one place, which takes its certificate: none leaves without."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
RECORDING = {"api/http/asking.py", "api/http/recorded.py", "api/cli/sql.py"}
"""The door, whose `exported` hands the certificate back; the table of what is recorded; the command line."""

LOOKING = {"api/undone.py"}
"""What looks for exports that were made."""


def test_exports_are_recorded_with_their_certificate() -> None:
    found = {
        str(file.relative_to(ROOT))
        for layer in ("api", "application", "adapters", "projections")
        for file in (ROOT / layer).rglob("*.py")
        if "ReadKind.EXPORT" in file.read_text(encoding="utf-8")
    }
    assert found == RECORDING | LOOKING
