"""`penguinmails report`: a report through the running API, shown here or written as a file to work with."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from adapters.exports.names import FileName
from api.cli.door import Url, completeness_of, door_of
from api.cli.files import form_of
from api.cli.history import moment
from api.cli.options import Data, Key
from api.cli.output import Json, data, listed, rows, words
from application.as_of import AT, AT_TIME
from application.variance import COMPARE

AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        help="As of a position or time (UTC where it names no offset); now unless given.",
        show_default=False,
    ),
]


def report(
    name: Annotated[
        str | None, typer.Argument(help="Name of the report; none: the reports there are.")
    ] = None,
    *,
    given: Annotated[
        list[str] | None,
        typer.Option("--param", help="NAME=VALUE, as the list of reports tells them; may be repeated."),
    ] = None,
    format_: Annotated[
        FileName | None, typer.Option("--format", help="Form of the file; else by its ending.")
    ] = None,
    as_of: AsOf = None,
    output: Annotated[
        Path | None, typer.Option("--output", dir_okay=False, help="Where the file is written.")
    ] = None,
    url: Url = None,
    key: Key = None,
    data_folder: Data = None,
    json_: Json = False,
) -> None:
    """Show a report, or write it as a file: CSV, a workbook, Parquet, Arrow. Files are recorded in the access log.

    For spreadsheets of many countries: --format csv --param decimal=comma --param bom=true.
    """
    del json_
    wanted = asked(given or [], as_of)
    if name is None:
        with door_of(url, data_folder, key) as door:
            told = door.ask("GET", "/v1/reports")
            door.drawn()
        rows(told["data"], ("name", "question"))
        return
    form = form_of(format_, output)
    if form is None or output is None:
        with door_of(url, data_folder, key) as door:
            told = door.ask("GET", f"/v1/reports/{name}", wanted=wanted)
            door.drawn()
        recorded = {"as_of": told["as_of"]}
        beside = ("ahead_from", "periods", "completeness")
        also: dict[str, Any] = {name: told[name] for name in beside if name in told}
        position, columns = told["position"], told["columns"]
        listed(told["data"], columns, position=position, as_of=recorded, also=also, headed=True)
        _to_come(told["ahead_from"])
        for period in told.get("periods", ())[1:]:
            _to_come(period["ahead_from"], f" of {period['name']}")
        return
    with door_of(url, data_folder, key) as door:
        answer = door.save(f"/v1/reports/{name}", {**wanted, "format": form.value}, output)
        door.drawn()
    when, cut = answer.headers["penguin-as-of"] or None, answer.headers["penguin-truncated"] == "true"
    position, ahead = answer.headers["penguin-position"], answer.headers["penguin-ahead-from"] or None
    data(
        {
            "file": str(output),
            "as_of": when,
            "position": position,
            "truncated": cut,
            "ahead_from": ahead,
            "completeness": completeness_of(answer),
        },
        [f"{output}: as of {when or 'the beginning'}"],
    )
    _to_come(ahead)
    if cut:
        words("There are more rows than a report gives: narrow its parameters.")


def _to_come(day: str | None, whose: str = "") -> None:
    if day is not None:
        words(f"Days{whose} from {day} on had not come: what stands on them is not actual.")


def parameters(given: list[str], option: str = "--param") -> dict[str, str]:
    """Pairs as NAME=VALUE; what is compared may be named more than once. Raises typer's own error for what is none."""
    found = dict[str, str]()
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or not name:
            raise typer.BadParameter("write it as NAME=VALUE", param_hint=option)
        if name in found and name != COMPARE:
            raise typer.BadParameter(f"say {name} once", param_hint=option)
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


def asked(given: list[str], as_of: str | None) -> dict[str, str]:
    """What a report is asked with: `--param`, and the position or the time that `--as-of` names."""
    found = parameters(given)
    if as_of is None:
        return found
    if found.keys() & {AT, AT_TIME}:
        raise typer.BadParameter("say it here or with --param, not with both", param_hint="--as-of")
    at = moment(as_of)
    return {**found, **({AT_TIME: at.isoformat()} if isinstance(at, datetime) else {AT: as_of})}
