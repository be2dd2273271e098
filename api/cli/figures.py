"""`penguinmails reports`: figures that are cited and resolved, and definitions that are previewed, through the API."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from api.cli.door import Url, door_of
from api.cli.options import Data, Key
from api.cli.output import Group, Json, NotThere, data, words
from api.cli.reports import AsOf, asked, parameters

app = typer.Typer(cls=Group, help="Figures cited, and definitions previewed.", no_args_is_help=True)


@app.command("cite")
def cite(
    name: Annotated[str, typer.Argument(help="Name of the report.")],
    measure: Annotated[str, typer.Argument(help="The measure, such as end_mrr.")],
    *,
    cell: Annotated[
        list[str] | None,
        typer.Option(
            "--cell", help="DIMENSION=VALUE of the row, as it shows it; repeated. VALUE empty: none."
        ),
    ] = None,
    given: Annotated[
        list[str] | None, typer.Option("--param", help="NAME=VALUE of the report; may be repeated.")
    ] = None,
    as_of: AsOf = None,
    url: Url = None,
    key: Key = None,
    data_folder: Data = None,
    json_: Json = False,
) -> None:
    """Give the short text that names one figure, as of now or of --as-of. It names the position that was found."""
    del json_
    row = {one: value or None for one, value in parameters(cell or [], "--cell").items()}
    body = {"parameters": asked(given or [], as_of), "cell": row, "measure": measure}
    with door_of(url, data_folder, key) as door:
        told = door.ask("POST", f"/v1/reports/{name}/cite", body)["data"]
        door.drawn()
    data(told, [told["citation"]])


@app.command("resolve")
def resolve(
    citation: Annotated[str, typer.Argument(help="The text, from pm1: on.")],
    *,
    url: Url = None,
    key: Key = None,
    data_folder: Data = None,
    json_: Json = False,
) -> None:
    """Compute a cited figure anew, as of its position and of now."""
    del json_
    with door_of(url, data_folder, key) as door:
        told = door.ask("GET", f"/v1/citations/{quote(citation, safe=':')}")["data"]
        door.drawn()
    then, now = ((told[when] or {}).get("value") for when in ("then", "now"))
    row = " ".join(f"{name}={value}" for name, value in told["cell"].items())
    lines = [
        f"figure      {told['report']} {told['measure']} ({row}), definition version {told['version']}",
        f"then        {then} {told['unit'] or ''}".rstrip(),
        f"now         {now}",
        f"difference  {told['difference']}",
    ]
    data(told, [*lines, "same" if told["same"] else f"not as it was cited: {told['otherwise']}"])


@app.command("preview")
def preview(
    profile: Annotated[
        Path, typer.Argument(help="TOML with the changed profile, written as in profiles.toml.")
    ],
    *,
    against: Annotated[
        str | None, typer.Option("--against", help="Profile that figures are given under.")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--effective-from", help="First day (UTC) of the changed one.")
    ] = None,
    first: Annotated[str | None, typer.Option("--from", help="First day (UTC) that is shown.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last day (UTC), included.")] = None,
    as_of: AsOf = None,
    url: Url = None,
    key: Key = None,
    data_folder: Data = None,
    json_: Json = False,
) -> None:
    """Show MRR month by month as it is and as it would be under a changed definition. Nothing is kept."""
    del json_
    days = {"against": against, "effective_from": since, "from": first, "to": last, **asked([], as_of)}
    body = {"profile": _profile(profile), **{name: day for name, day in days.items() if day}}
    with door_of(url, data_folder, key) as door:
        told = door.ask("POST", "/v1/reports/definitions/preview", body)["data"]
        door.drawn()
    data(told, _months(told))
    if told["movements_left_out"]:
        words(f"{told['movements_left_out']} more movements differ: name fewer days to see them.")


def _months(told: dict[str, Any]) -> list[str]:
    lines = []
    for month in told["months"]:
        old, new = month["old"]["end_mrr"], month["restated"]["end_mrr"]
        lines.append(f"{month['period']}\t{month['currency']}\tend_mrr\t{old}\t{new}\t{new - old}")
        lines += [
            f"{month['period']}\t{month['currency']}\t{figure}\t{step['switch']}\t{amount}"
            for step in month["bridge"]
            for figure, amount in step.items()
            if figure != "switch"
        ]
    return lines


def _profile(file: Path) -> dict[str, Any]:
    """The one profile of a file."""
    try:
        told = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        raise NotThere(f"{file} cannot be read as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise typer.BadParameter(f"{file} is no TOML: {error}", param_hint="PROFILE") from None
    several = told.get("profiles", [told])
    if not isinstance(several, list) or len(several) != 1:
        raise typer.BadParameter("give one profile", param_hint="PROFILE")
    one: dict[str, Any] = several[0]
    return one
