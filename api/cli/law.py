"""`penguinmails rejudge`: past decisions judged again, under other rules, other knowledge, or with hindsight."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.history import time
from api.cli.options import Data, Key, settings_of
from api.cli.output import Json, data, words
from api.cli.progress import bars

if TYPE_CHECKING:
    from api.cli.inside import Inside
    from application.principals import Principal
    from application.rejudging import Flip, Question
    from domain.law.pack import Pack


def rejudge(
    *,
    after: Annotated[
        str | None, typer.Option("--after", help="Decisions from this time on.", show_default=False)
    ] = None,
    before: Annotated[
        str | None, typer.Option("--before", help="Decisions until before this time.", show_default=False)
    ] = None,
    in_force: Annotated[
        str | None,
        typer.Option(
            "--in-force",
            help="By the rules in force at this time; else at each decision's.",
            show_default=False,
        ),
    ] = None,
    known: Annotated[
        str | None,
        typer.Option(
            "--known",
            help="By the rules as they were known at this time; else at each decision's.",
            show_default=False,
        ),
    ] = None,
    hindsight: Annotated[
        bool, typer.Option("--hindsight", help="With what is known of the people now, not what was then.")
    ] = False,
    today: Annotated[
        bool, typer.Option("--today", help="By the packs of today, not the versions of each decision.")
    ] = False,
    pack: Annotated[
        list[Path] | None,
        typer.Option(
            "--pack", help="By the packs of today, with this file in place of its law's; may be repeated."
        ),
    ] = None,
    adopted: Annotated[
        list[str] | None,
        typer.Option(
            "--adopted",
            help="By the packs of today, with this version in place of its law's, as law:version; may be repeated.",
        ),
    ] = None,
    key: Key = None,
    data_folder: Data = None,
    json_: Json = False,
) -> None:
    """Judge past decisions about messages again, and list those that would be others, with the rules that turn them.

    With nothing said it shows that each decision follows from its facts and packs. Reading is recorded.
    """
    from api.cli.inside import working
    from application.rejudging import Question, instead

    del json_
    question = Question(
        after=None if after is None else time(after),
        before=None if before is None else time(before),
        in_force=None if in_force is None else time(in_force),
        known=None if known is None else time(known),
        hindsight=hindsight,
    )
    given = _packs(pack or [])

    async def work(inside: Inside) -> None:
        named = await inside.parts.law_archive.named(adopted or [])
        packs = instead([*named, *given]) if today or named or given else None
        await _judged(inside, await inside.principal(key), question, packs)

    working(settings_of(data_folder), work)


def _packs(files: list[Path]) -> list[Pack]:
    """The packs in some files."""
    from domain.law.reading import PackUnusable, read_pack

    try:
        return [read_pack(file.read_text(encoding="utf-8"), file.name) for file in files]
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"it cannot be read ({error})", param_hint="--pack") from None
    except PackUnusable as error:
        raise typer.BadParameter(str(error), param_hint="--pack") from None


async def _judged(inside: Inside, who: Principal, question: Question, packs: tuple[Pack, ...] | None) -> None:
    from application.reading import Read
    from application.rejudging import Flip
    from domain.access.reads import ReadKind
    from domain.kernel.permissions import Permission

    who.require(Permission.HISTORY_READ)
    parts, tenant_id = inside.parts, who.tenant_id
    asked = {name: str(value) for name, value in question._asdict().items() if value not in (None, False)}
    read = Read(
        principal=who,
        query="law.rejudge",
        kind=ReadKind.REPLAY,
        position=await parts.position_of(tenant_id),
        rows=0,
        filters=json.dumps(asked, sort_keys=True),
        channel="cli",
    )
    await parts.access.record(read)
    with bars() as drawing:
        bar, tally = drawing.add_task("judging", total=None), None
        async for one in parts.rejudging.answers(tenant_id, question, packs):
            if isinstance(one, Flip):
                data(one.told(), [_line(one)])
            else:
                tally = one
                drawing.update(bar, completed=one.position, total=one.until)
    if tally is not None:
        data({"summary": tally.told()})
        words(
            f"{tally.judged} decisions: {tally.identical} the same to the byte, {tally.same_verdict} with the same "
            f"verdict, {tally.flipped} others."
        )
        if tally.without_packs:
            words(f"{tally.without_packs} more were made by versions of packs that are not at hand.")


def _line(flip: Flip) -> str:
    before, after = (f"{one[0]} ({one[2]})" for one in (flip.before, flip.after))
    return f"{flip.position}\t{flip.recorded_at.isoformat()}\t{flip.message_id}\t{before}\t->\t{after}"
