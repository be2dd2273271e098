"""The letters that deliveries come with: what is attached, what it is made of, and how to find it again."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from application.ports.delivering import Attachment, Letter
from domain.kernel.ids import derived_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.kernel.ids import MemberId
    from domain.reporting.schedule_events import DeliveryPrepared, FileTold, ScheduleTerms


def letter_of(
    terms: ScheduleTerms,
    prepared: DeliveryPrepared,
    files: Sequence[tuple[str, bytes]],
    member_id: MemberId,
    address: str,
) -> Letter:
    """The letter to one member."""
    lines = [
        f"{terms.title}, due {prepared.due_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC.",
        "",
        *(line for file in prepared.files for line in _lines(file)),
        *(
            line
            for one in prepared.refused
            for line in (f"{one.name}: not made ({one.code})", f"  {one.detail}", "")
        ),
        "You are sent this because a schedule of your organisation names you.",
        f"Schedule {prepared.schedule_id}, delivery {prepared.delivery_id}.",
    ]
    return Letter(
        to=address,
        subject=f"{terms.title}: {prepared.day}",
        text="\n".join(lines) + "\n",
        message_id=derived_id(prepared.delivery_id, "letter", member_id),
        attachments=tuple(Attachment(name, content) for name, content in files),
        kind="report.delivery",
    )


def _lines(file: FileTold) -> list[str]:
    days = f"{file.period_from} to {file.period_to}" if file.period_from else "until then"
    as_of = "the beginning" if file.as_of is None else f"{file.as_of.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    cut = "" if file.complete else "Cut off: a report gives no more rows than these.\n"
    return [
        f"{file.name}: {file.of}, {days}",
        f"  as of {as_of}, position {file.position}, definition {file.definition}",
        f"  sha256 {file.sha256}",
        cut,
    ]
