"""Files of costs at the command line: seen first, entered once, and what is wrong with a row comes back."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.serving import Served

pytestmark = pytest.mark.xdist_group("serve")

FILE = """\
Category,Vendor,Invoice no,Invoice date,Period start,Period end,Amount,Currency,Basis,Pool
server,Hostwinds,HW-1,2026-10-01,2026-10-01,2026-10-31,9.99,USD,invoice,shared
ip,Hostwinds,HW-2,2026-10-01,2026-10-01,2026-10-31,4.99,USD,invoice,shared
server,Hostwinds,HW-1,2026-10-01,2026-10-01,2026-10-31,9.99,USD,invoice,shared
server,hostwinds,hw-2,2026-10-01,2026-10-01,2026-10-31,5.00,USD,invoice,shared
server,Hostwinds,HW-5,2026-10-01,2026-10-31,2026-10-01,9.99,USD,invoice,shared
server,Hostwinds,HW-6,03/04/2026,,,9.99,USD,invoice,shared
mailbox,Mailu,,2026-10-01,,,3,USD,estimate,
mailbox,Mailu,,2026-10-01,,,3,USD,estimate,
"""


def test_a_file_of_costs_in_one_command(demo_installation: Served, tmp_path: Path) -> None:
    owner = ("--owner-email", "owner@costs.example", "--owner-name", "Cora", "--country", "DE")
    plan = ("--plan", "enterprise", "--sends-for", "itself", "--json")
    made = demo_installation.cli("tenant", "register", "Costs Ltd", *owner, *plan)
    key = json.loads(made.stdout)["key"]
    file = tmp_path / "costs.csv"
    file.write_text(FILE)

    def run(*options: str, code: int = 1) -> dict[str, Any]:
        done = demo_installation.cli("costs", "import", str(file), *options, "--json", key=key, code=code)
        return json.loads(done.stdout) if done.stdout else {}

    wanted = {"entered": 4, "repeated": 1, "rejected": 3}
    dry = run("--dry-run")
    assert dry["outcomes"] == wanted
    assert dry["errors_file"] is None
    (taken,) = [one for one in dry["first_problems"] if one["code"] == "cost-reference-taken"]
    assert taken["message"] == "Row 2 of this file has this invoice already. Leave one of them out."
    told = run()
    assert told["outcomes"] == wanted
    assert [(one["row"], one["column"], one["code"]) for one in told["first_problems"]] == [
        (6, "Invoice date", "date-ambiguous"),
        (4, "Invoice no", "cost-reference-taken"),
        (5, "Period end", "cost-days-invalid"),
    ]
    assert all(one["message"] == one["message"].strip() for one in told["first_problems"])
    again = {"entered": 0, "repeated": 5, "rejected": 3}
    assert run()["outcomes"] == again
    assert run("--dry-run")["outcomes"] == again
    errors = Path(told["errors_file"])
    rows = list(csv.reader(errors.read_text(encoding="utf-8-sig").splitlines()))
    assert rows[0][-4:] == ["error_row", "error_column", "error_code", "error_remedy"]
    assert {row[2] for row in rows[1:]} == {"hw-2", "HW-5", "HW-6"}
    # What comes back corrected is read as the file that it was made from.
    file.write_text(errors.read_text(encoding="utf-8-sig").replace("03/04/2026", "2026-04-03"))
    assert run()["outcomes"] == {"entered": 1, "repeated": 0, "rejected": 2}
    file.write_text("\n".join(FILE.splitlines()[:3]) + "\n")
    assert run(code=0)["outcomes"] == {"entered": 0, "repeated": 2, "rejected": 0}
    file.write_text("Amount\n5\n")
    assert run(code=1) == {}
    assert run("--set", "basis", code=2) == {}
