"""`penguinmails costs import`: a file of costs through the running API, each row a command of its own.

A row is entered once, however often its file comes: its idempotency key follows from what it says.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from api.cli.door import Url, door_of
from api.cli.exits import Exit
from api.cli.imports import Columns, Dates, Delimiter, Encoding, Errors, columns_of
from api.cli.options import Data, Key
from api.cli.output import Group, Json, NotThere, Refused, data, words
from domain.audience.intake import DateOrder
from domain.audience.intake.error_file import error_rows
from domain.audience.intake.errors import Fault

if TYPE_CHECKING:
    from api.cli.door import Door
    from domain.costs.intake import CostFile, CostLine, CostRejected

app = typer.Typer(cls=Group, help="What things cost.", no_args_is_help=True)

_AT_ONCE: Final = 500
_PIECE: Final = 1 << 16
_ACCEPTED: Final = 200


@app.callback()
def _costs() -> None:
    """Costs of the tenant, or with a key of staff, of the platform."""


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="The CSV file.")],
    *,
    map_: Columns = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="FIELD=VALUE that holds for all rows, as basis=invoice.")
    ] = None,
    date_order: Dates = None,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would become of every row; enter none.")
    ] = False,
    errors: Errors = None,
    url: Url = None,
    key: Key = None,
    data_folder: Data = None,
    json_: Json = False,
) -> None:
    """Enter the costs of a CSV file: into the tenant's books, or with a key of staff into the platform's own.

    Every row ends as entered, repeated (it was entered before) or rejected; rejected ones come back as a file to
    correct, and the exit code is 1, though all others were entered. Run it again after an interruption: what was
    entered is not entered twice.
    """
    from domain.costs.intake import open_costs

    del json_
    outcomes: Counter[str] = Counter(entered=0, repeated=0, rejected=0)
    rejected: list[CostRejected] = []
    with door_of(url, data_folder, key) as door:
        opened = open_costs(
            _pieces(file),
            columns_of(map_ or []),
            columns_of(set_ or [], "--set", "FIELD=VALUE"),
            dates=date_order or DateOrder.AUTO,
            encoding=encoding,
            delimiter=delimiter,
        )
        for lines, refused in _stretches(opened):
            rejected += refused
            rejected += _enter(door, opened, lines, outcomes, dry_run=dry_run)
        door.drawn()
    outcomes["rejected"] = len(rejected)
    saved = None if dry_run else _save(opened, rejected, errors or file.with_name(f"{file.name}.errors.csv"))
    problems = Counter(problem.code for one in rejected for problem in one.problems)
    first = [
        {
            "row": problem.row,
            "column": problem.column,
            "code": problem.code,
            "message": problem.told(),
        }
        for one in rejected[:20]
        for problem in one.problems
    ]
    told = {"outcomes": dict(outcomes), "problems": dict(problems), "first_problems": first}
    lines_told = [f"{name:<9} {count}" for name, count in outcomes.items()]
    lines_told += [f"row {one['row']}, {one['column'] or 'the row'}: {one['message']}" for one in first]
    data({**told, "errors_file": None if saved is None else str(saved)}, lines_told)
    sys.stdout.flush()
    if dry_run:
        words("Nothing was entered: this was a dry run.")
    if saved is not None:
        words(f"The rejected rows are in {saved}, each with what to correct.")
    if rejected:
        raise typer.Exit(Exit.REFUSED)


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as content:
        while piece := content.read(_PIECE):
            yield piece


def _stretches(opened: CostFile) -> Iterator[tuple[list[CostLine], list[CostRejected]]]:
    """The rows, so many at once."""
    from domain.costs.intake import CostRejected

    lines: list[CostLine] = []
    refused: list[CostRejected] = []
    for outcome in opened.read():
        if isinstance(outcome, CostRejected):
            refused.append(outcome)
        else:
            lines.append(outcome)
        if len(lines) + len(refused) == _AT_ONCE:
            yield lines, refused
            lines, refused = [], []
    yield lines, refused


def _enter(
    door: Door, opened: CostFile, lines: list[CostLine], outcomes: Counter[str], *, dry_run: bool
) -> Iterator[CostRejected]:
    """Send rows, count what became of them, and give back those that were refused."""
    from domain.costs.intake import CostRejected

    first = {line.key: line for line in reversed(lines)}
    asked = [line for line in lines if first[line.key] is line]
    outcomes["repeated"] += len(lines) - len(asked)
    if dry_run:
        known = {line.key for line in asked if _was_entered(door, line.key)}
        outcomes["repeated"] += len(known)
        asked = [line for line in asked if line.key not in known]
    commands = [
        {"id": line.key, "command": "costs/enter-cost", "target": "new", "body": line.body} for line in asked
    ]
    answers = {
        key: answer
        for turn in ([commands] if dry_run else _turns(commands))
        for key, answer in door.batch(turn, dry_run=dry_run).items()
    }
    made: dict[str, int] = {}
    for line in asked:
        answer = answers[line.key]
        if answer["status"] == _ACCEPTED:
            outcomes["repeated" if answer["result"].get("replayed") else "entered"] += 1
            made[answer["result"]["id"]] = line.row.number
            continue
        problem: dict[str, Any] = answer["problem"]
        if answer["status"] in _NOT_OF_THE_ROW:
            raise Refused(str(problem.get("detail") or problem.get("title")), problem)
        if dry_run and problem.get("cost_id") in made:  # the id of a cost that will never be
            said = f"Row {made[problem['cost_id']]} of this file has this invoice already. Leave one of them out."
            problem |= {"detail": said, "errors": [{"pointer": "/reference", "detail": said}]}
        yield CostRejected(line.row, tuple(opened.problem(line.row, *told) for told in _faults(problem)))


def _turns(commands: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Commands of which no two in one turn are of the same invoice: lines of a batch overtake each other.

    So of two rows with one number, the first of the file has it. (A dry run takes its lines in their order.)
    """
    from domain.costs.entry import reference_keys

    while commands:
        seen: set[str] = set()
        now: list[dict[str, Any]] = []
        later: list[dict[str, Any]] = []
        for command in commands:
            body = command["body"]
            invoice = (
                reference_keys(body["provider"], body["reference"])[0]
                if "reference" in body
                else command["id"]
            )
            (later if invoice in seen else now).append(command)
            seen.add(invoice)
        yield now
        commands = later


_NOT_OF_THE_ROW: Final = frozenset({401, 403})


def _was_entered(door: Door, key: str) -> bool:
    """Whether a row was entered by an earlier run."""
    try:
        door.ask("GET", f"/v1/receipts/{key}")
    except NotThere:
        return False
    return True


def _faults(problem: dict[str, Any]) -> list[tuple[str, Fault]]:
    """What a problem says, by the field that each of its errors names."""
    code = str(problem["type"]).rpartition("/")[2]
    said = str(problem.get("detail") or problem["title"])
    named = problem.get("errors") or [{"pointer": "", "detail": said}]
    return [
        (str(one.get("pointer", "")).rpartition("/")[2], Fault(code, str(one.get("detail", said)), ""))
        for one in named
    ]


def _save(opened: CostFile, rejected: list[CostRejected], to: Path) -> Path | None:
    """Write the rejected rows to a file, where there are any."""
    if not rejected:
        return None
    sheet = opened.sheet
    draft = to.with_name(f"{to.name}.new")
    draft.touch(mode=0o600)
    told = ((one.row.cells, one.problems) for one in rejected)
    draft.write_bytes(b"".join(error_rows(sheet.header, sheet.delimiter, told)))
    draft.replace(to)
    return to
