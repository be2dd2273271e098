"""`penguinmails retention`: what is kept how long, what of it is due, and what holds keep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from api.cli.options import Data, Key, settings_of
from api.cli.output import Group, Json, data, listed, words
from api.cli.tenants import Idempotency
from domain.retention.kinds import Kind, Standing

if TYPE_CHECKING:
    from api.cli.inside import Inside

app = typer.Typer(
    cls=Group, help="How long things are kept, what is due, and legal holds.", no_args_is_help=True
)
OfKind = Annotated[Kind | None, typer.Option("--kind", help="Things of this kind alone.", show_default=False)]


@app.command("schedule")
def schedule(*, key: Key = None, data_folder: Data = None, json_: Json = False) -> None:
    """Show how long things of each kind are kept, why, and how short a period may be."""
    del json_
    _shown("retention.rules", ("kind", "period", "chosen", "floor", "disposal", "source"), key, data_folder)


@app.command("due")
def due(
    *,
    kind: OfKind = None,
    state: Annotated[
        Standing | None,
        typer.Option("--state", help="Things that stand so; else all that is due.", show_default=False),
    ] = None,
    key: Key = None,
    data_folder: Data = None,
    json_: Json = False,
) -> None:
    """Show what is due to be destroyed: since when, by which rule, and which holds keep it. Nothing is changed."""
    del json_
    asked = {"kind": None if kind is None else kind.value, "state": state and state.value}
    columns = ("kind", "object_id", "due_at", "disposal", "held", "expired")
    _shown("retention.due", columns, key, data_folder, **asked)


@app.command("holds")
def holds(*, key: Key = None, data_folder: Data = None, json_: Json = False) -> None:
    """Show the legal holds, and what each keeps that would have been due."""
    del json_
    columns = ("hold_id", "matter", "over", "subject", "placed_at", "released_at", "keeps", "since")
    _shown("retention.holds", columns, key, data_folder)


@app.command("plan")
def plan(
    *,
    kind: OfKind = None,
    reason: Annotated[str, typer.Option("--reason", help="Why; sealed in the log.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run/--no-dry-run", help="Only show what the plan would name.")
    ] = True,
    idempotency_key: Idempotency = None,
    key: Key = None,
    data_folder: Data = None,
    json_: Json = False,
) -> None:
    """Plan to destroy all that is due and that no hold keeps, 500 things at most: --no-dry-run does it."""
    from api.cli.inside import position_of, working
    from domain.retention.plan import MOST_OBJECTS, DisposalPlanned, PlanDisposal

    del json_

    async def work(inside: Inside) -> None:
        who = await inside.principal(key)
        asked = {"state": "due", **({} if kind is None else {"kind": kind.value})}
        found, _ = await inside.every("retention.due", who, **asked)
        named = [{name: one[name] for name in ("kind", "object_id")} for one in found if not one["expired"]]
        if not named:
            data({"plan": None, "objects": []}, ["Nothing is due that no hold keeps."])
            return
        taken = named[:MOST_OBJECTS]
        told: dict[str, Any] = {"plan": None, "objects": taken, "left": len(named) - len(taken)}
        if dry_run:
            words("Nothing was planned. Once this is what is to go: --no-dry-run.")
        else:
            command = PlanDisposal.model_validate({"objects": taken, "reason": reason})
            outcome = await inside.execute(who, command, key=idempotency_key)
            told |= {"plan": str(outcome.target), "position": position_of(outcome)}
            if any(event.name == DisposalPlanned.name for event in outcome.events):
                words(
                    f"Planned. `penguinmails retention agree {outcome.target}` where a second person has to."
                )
        data(told, [f"{one['kind']}  {one['object_id']}" for one in taken])

    working(settings_of(data_folder), work)


@app.command("agree")
def agree(
    plan_id: Annotated[UUID, typer.Argument(help="Id of the plan.")],
    *,
    idempotency_key: Idempotency = None,
    key: Key = None,
    data_folder: Data = None,
    json_: Json = False,
) -> None:
    """Agree to a plan that somebody else made; it is carried out then."""
    from api.cli.inside import position_of, working
    from domain.retention.plan import AgreeToDisposal

    del json_

    async def work(inside: Inside) -> None:
        who = await inside.principal(key)
        outcome = await inside.execute(who, AgreeToDisposal(), plan_id, key=idempotency_key)
        data({"plan": str(plan_id), "position": position_of(outcome)}, [f"{plan_id} agreed"])

    working(settings_of(data_folder), work)


def _shown(name: str, columns: tuple[str, ...], key: Any, data_folder: Any, **asked: str | None) -> None:
    from api.cli.inside import working

    async def work(inside: Inside) -> None:
        who = await inside.principal(key)
        given = {one: value for one, value in asked.items() if value is not None}
        found, position = await inside.every(name, who, **given)
        listed(found, columns, position=position)

    working(settings_of(data_folder), work)
