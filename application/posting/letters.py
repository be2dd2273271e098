"""The letter that checkpoints come with: as text that can be copied, and as files that a verifier takes."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from application.ports.delivering import Attachment, Letter
from domain.kernel.ids import derived_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from application.ports.shown_trees import Shown
    from domain.kernel.ids import MemberId
    from domain.ledger.posting_events import Posting


def letter_of(posting: Posting, signed: Sequence[Shown], member_id: MemberId, address: str) -> Letter:
    """The letter to one member; of one due time it has one id, however often it is sent."""
    due = posting.next_at.astimezone(UTC)
    lines = [
        f"{posting.terms.title}, due {due:%Y-%m-%d %H:%M} UTC.",
        "",
        "Keep this letter where nobody of the installation can reach it. Each checkpoint shows offline whether the log",
        "was changed since: penguinmails audit verify BUNDLE --checkpoint FILE, with the file that is attached.",
        "",
        *(line for one in signed for line in (f"{one.log.log.value}:", "", one.note.decode(), "")),
        f"You are sent this because posting {posting.posting_id} of your organisation names you.",
    ]
    return Letter(
        to=address,
        subject=f"{posting.terms.title}: {due:%Y-%m-%d %H:%M}",
        text="\n".join(lines) + "\n",
        message_id=derived_id(posting.posting_id, "letter", due.isoformat(), member_id),
        attachments=tuple(Attachment(_name(one), one.note) for one in signed),
        kind="ledger.checkpoint",
    )


def _name(one: Shown) -> str:
    size = 0 if one.checkpoint is None else one.checkpoint.size
    return f"{one.log.log.value}-{size}.checkpoint"
