"""`penguinmails view`: a view through the running API, as it is, as it was, and what changed in it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.door import Url, door_of
from api.cli.history import moment
from api.cli.options import Data, Key
from api.cli.output import Json, data, listed, rows, words
from api.cli.reports import AsOf, parameters

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHOWN = 8
"""Columns of a table on a terminal; with --json there are all."""


def view(
    name: Annotated[
        str | None, typer.Argument(help="The view, as `audience/contacts`; none: the views there are.")
    ] = None,
    one: Annotated[str | None, typer.Argument(metavar="ID", help="The id of one thing in it.")] = None,
    *,
    as_of: AsOf = None,
    diff: Annotated[
        tuple[str, str] | None,
        typer.Option("--diff", help="What changed between two positions or times, and by which events."),
    ] = None,
    given: Annotated[
        list[str] | None, typer.Option("--where", help="A filter, as NAME=VALUE; may be repeated.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=100, help="How many rows at most.")] = 50,
    cursor: Annotated[
        str | None, typer.Option("--cursor", help="Go on where an earlier page ended.", show_default=False)
    ] = None,
    url: Url = None,
    key: Key = None,
    data_folder: Data = None,
    json_: Json = False,
) -> None:
    """Show a view: as it is, as of any moment, or what changed in it between two. Looking back is recorded.

    What was is made anew from the log; where that takes long, it is waited for.
    """
    del json_
    if name is None:
        rows(_views(), ("view", "shows", "permission"))
        return
    if diff and (as_of or one):
        raise typer.BadParameter(
            "compare a whole view, without an id and without --as-of", param_hint="--diff"
        )
    path = f"/v1/{name.strip('/')}" + (f"/{one}" if one else "/difference" if diff else "")
    wanted = parameters(given or [], "--where")
    if one is None:
        wanted |= {"limit": str(limit), **({"cursor": cursor} if cursor else {})}
    if as_of is not None:
        wanted["at"] = _moment(as_of)
    if diff is not None:
        wanted |= {"from": _moment(diff[0]), "to": _moment(diff[1])}
    with door_of(url, data_folder, key) as door:
        told = door.ask("GET", path, wanted=wanted)
        door.drawn()
    if one is not None:
        data(told, [f"{field}: {value}" for field, value in told["data"].items()])
    elif diff is not None:
        data(told, [line for change in told["data"] for line in _change(change)])
    else:
        columns = tuple(told["data"][0])[:_SHOWN] if told["data"] else ()
        listed(
            told["data"],
            columns,
            position=told["position"],
            following=told["next"],
            as_of={"as_of": told["as_of"]},
        )
    if not told["data"]:
        words(told.get("note") or ("Nothing changed in between." if diff else "No rows."))


def _moment(text: str) -> str:
    at = moment(text)
    return at.isoformat() if isinstance(at, datetime) else text


def _views() -> Iterator[dict[str, Any]]:
    import projections.operational.views  # noqa: F401 - it fills the registry
    from application.queries import QUERIES

    for query in sorted(QUERIES.values(), key=lambda found: found.route):
        if not query.single:
            about = " ".join((query.run.__doc__ or "").split()).partition(". ")[0]
            yield {
                "view": query.route.removeprefix("/v1/"),
                "shows": about,
                "permission": query.permission.value,
            }


def _change(change: dict[str, Any]) -> Iterator[str]:
    row = change["after"] or change["before"]
    field, thing = next(iter(row.items()))
    yield f"{change['change']}: {field} {thing}{_why(change['because'])}"
    for one in change["fields"]:
        yield f"  {one['path']}: {one['before']} -> {one['after']}{_why(one['because'])}"


def _why(because: dict[str, Any] | None) -> str:
    if because is None:
        return ""
    reason = f", {because['reason']}" if because["reason"] else ""
    return f"  (position {because['position']}, {because['event']}, {because['actor'].get('kind')}{reason})"
