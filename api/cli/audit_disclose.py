"""`penguinmails audit disclose`: single sealed values in a file apart, each with what proves that the log holds it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from api.cli.door import Url, door_of
from api.cli.files import put
from api.cli.options import Data, Key
from api.cli.output import Json, Refused, data, words
from domain.audit.origins import LogKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MOST: Final = 200
_SEALED: Final = {"~", "s", "c", "h"}


def disclose(
    bundle: Annotated[
        Path | None,
        typer.Argument(
            exists=True,
            dir_okay=False,
            help="Of the events in this bundle or certificate, those that have the fields sealed.",
            show_default=False,
        ),
    ] = None,
    *,
    to: Annotated[Path, typer.Option("--to", dir_okay=False, help="Where the values are written.")],
    reason: Annotated[str, typer.Option("--reason", help="Why they are shown, and to whom. It is kept.")],
    position: Annotated[
        list[int] | None, typer.Option("--position", min=1, help="An event's position; again for more.")
    ] = None,
    field: Annotated[
        list[str] | None, typer.Option("--field", help="A field of what the event says; again for more.")
    ] = None,
    metadata: Annotated[
        list[str] | None,
        typer.Option("--metadata", help="`ip` or `reason` of whoever made it; again for both."),
    ] = None,
    log: Annotated[LogKind, typer.Option("--log", help="Of which log.")] = LogKind.EVENTS,
    url: Url = None,
    key: Key = None,
    data_folder: Data = None,
    json_: Json = False,
) -> None:
    """Write sealed values of events in the clear, to be proven beside a bundle that holds the events.

    Recorded in the access log, with the reason. What was erased does not open any more, and is named.
    """
    del json_
    if not field and not metadata:
        raise typer.BadParameter("name at least one, or --metadata", param_hint="--field")
    if bool(bundle) == bool(position):
        raise typer.BadParameter("name a bundle, or positions", param_hint="--position")
    asked = {"fields": field or [], "metadata": metadata or []}
    events: list[dict[str, Any]] = [{"log": log.value, "position": one, **asked} for one in position or ()]
    if bundle is not None:
        events = list(_sealed_in(bundle, log, asked))
    if not events:
        raise Refused("No event there has such a field sealed.")
    if len(events) > _MOST:
        raise Refused(f"{len(events)} events have such a field. Name at most {_MOST} by --position.")
    with door_of(url, data_folder, key) as door:
        answer = door.post("/v1/ledger/disclosures", {"reason": reason, "events": events})
        door.drawn()
    put(answer.content, to)
    told = answer.json()
    withheld = told.get("withheld", [])
    data(
        {"file": str(to), "values": len(told["values"]), "withheld": withheld},
        [f"values    {len(told['values'])}", f"withheld  {len(withheld)}"],
    )
    for one in withheld:
        words(f"{one['field']} at position {one['position']} of {one['log']}: {one['why']}")
    words(f"Prove them: penguinmails audit verify {bundle or 'BUNDLE'} --disclosure {to} --key VERIFIER_KEY")


def _sealed_in(bundle: Path, log: LogKind, asked: Mapping[str, list[str]]) -> Iterator[dict[str, Any]]:
    """What to ask of the events in a bundle: of each the fields that are sealed in it."""
    from adapters.evidence import format as named
    from adapters.evidence.files import Files
    from adapters.evidence.unpacking import Unpacking, Unreadable
    from adapters.evidence.verdict import Verdict

    rest = b""
    try:
        with bundle.open("rb") as file:
            for chunk in Files(Unpacking(file), Verdict()).chunks(f"{log.value}/{named.EVENTS}"):
                *lines, rest = (rest + chunk).split(b"\n")
                for event in map(json.loads, lines):
                    found = {
                        name: [one for one in asked[name] if _is_sealed(event[part].get(one))]
                        for name, part in (("fields", "payload"), ("metadata", "metadata"))
                    }
                    if any(found.values()):
                        yield {"log": log.value, "position": event["position"], **found}
    except (Unreadable, ValueError, LookupError, TypeError, AttributeError):
        raise Refused(f"{bundle} cannot be read as a bundle. `penguinmails audit verify` says why.") from None


def _is_sealed(value: object) -> bool:
    return isinstance(value, dict) and value.keys() == _SEALED
