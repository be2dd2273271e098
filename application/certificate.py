"""A certificate of an erasure in words, for whoever asked to be erased. It holds nothing of the person."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from domain.audience.erasure_events import ErasureCertified

_WIDTH: Final = 100
_ACTIONS: Final = {
    "key_destroyed": "its values open no more",
    "purged": "purged",
    "holds_nothing": "holds nothing of the person",
    "expires": "expires",
}


def as_text(certificate: ErasureCertified) -> str:
    """The certificate, in lines of at most 100 characters."""
    return "\n".join(_lines(certificate)) + "\n"


def _lines(certificate: ErasureCertified) -> Iterator[str]:
    yield "CERTIFICATE OF ERASURE"
    yield ""
    yield f"Person           {certificate.addressee_id}"
    yield f"Erased           {_moment(certificate.erased_at)}, at position {certificate.erased_position} of the log"
    yield f"Certified        {_moment(certificate.certified_at)}"
    yield f"Complete by      {_moment(certificate.complete_by)}"
    yield ""
    yield "STORES"
    for line in certificate.stores:
        yield ""
        yield f"{line.store}: {_ACTIONS.get(line.action, line.action)}{_when(line.done_at, line.gone_by)}"
        yield from _told("holds", line.holds)
        yield from _told("proof", line.proof)
    yield ""
    yield "KEPT"
    for kept in certificate.kept:
        yield ""
        yield from textwrap.wrap(kept.what[0].upper() + kept.what[1:], _WIDTH)
        yield from _told("why", kept.why)
        if kept.until is not None:
            yield from _told("until", _moment(kept.until))


def _when(done_at: datetime | None, gone_by: datetime | None) -> str:
    done = "" if done_at is None else f", {_moment(done_at)}"
    return done if gone_by is None else f"{done}, gone by {_moment(gone_by)}"


def _told(what: str, words: str) -> Iterator[str]:
    yield from textwrap.wrap(f"{what}: {words}", _WIDTH, initial_indent="  ", subsequent_indent="  ")


def _moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M UTC")
