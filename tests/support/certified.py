"""A person's stream in a log of several people's, and permission certificates of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from domain.law.reading import read_pack
from tests.support.evidence import OTHER, TENANT, Log, written

MESSAGE: Final = "0198c0de-0000-7000-8000-00000000aaaa"
EARLIER: Final = "0198c0de-0000-7000-8000-00000000bbbb"
STREAM: Final = "addressee:0198c0de-0000-7000-8000-0000000000aa"
WORKSPACE: Final = "0198c0de-0000-7000-8000-0000000000ff"
PACK: Final = """law = "xx"
title = "A law"
countries = ["XX"]
zones = ["UTC"]
otherwise_about = "Nothing fits here."

[[rules]]
id = "xx.consent"
verdict = "allow"
basis = "express consent"
cites = "s.1"
confidence = "T"
checked = 2026-11-22
about = "They said yes."
"""
VERSION: Final = read_pack(PACK, "xx.toml").version
SEALED: Final = {
    "c": "AAECAwQFBgcICQoL",
    "h": "r7qi5cbzhWUDxrjZGXSUt9DU3gnxJ5egho878onFROc=",
    "s": STREAM.partition(":")[2],
    "~": "evidence",
}


def happened(name: str, **payload: Any) -> dict[str, Any]:
    """An event of the person's, before it has a place."""
    return {"name": f"audience.{name}", "payload": {"addressee_id": STREAM.partition(":")[2], **payload}}


def decided(said: str = "allow", about: str = MESSAGE, **other: Any) -> dict[str, Any]:
    """A decision on a message, which rests on entry 2."""
    reason = {
        "verdict": said,
        "law": "xx",
        "rule": "xx.consent",
        "missing": [],
        "entries": [2],
        "until": None,
        "note": None,
    }
    told = {
        "message_id": about,
        "workspace_id": WORKSPACE,
        "message": {"purpose": "marketing", "campaign_type": None},
        "sender_country": "XX",
        "verdict": said,
        "decided_at": "2026-11-02T10:00:00Z",
        "expires_at": "2026-11-02T10:10:00Z" if said == "allow" else None,
        "reasons": [reason],
        "packs": {"xx": VERSION},
    }
    return happened("permission_decided", **(told | other))


def gone(allowed_by: int, message: str = MESSAGE, at: str = "2026-11-02T10:01:00Z") -> dict[str, Any]:
    """The hand-over of a message."""
    told = {"message_id": message, "workspace_id": WORKSPACE, "allowed_by": allowed_by, "occurred_at": at}
    return happened("message_dispatched", **told, block_id=None)


REGISTERED: Final = happened("addressee_registered", email=SEALED, country="XX", subscriber_type="corporate")
CONSENT: Final = happened(
    "consent_recorded", occurred_on="2026-01-05", source="website_form", documented=True, wording=SEALED
)
SENT: Final = (REGISTERED, CONSENT, decided(about=EARLIER), gone(3, EARLIER), decided(), gone(5))
"""Two messages: the second one is certified."""


def log_of_person(events: Iterable[Mapping[str, Any]] = SENT, *, apart: int = 3) -> Log:
    """The person's events, each after so many of other people; a `stream` or `version` of its own is kept."""
    lines: list[dict[str, Any]] = []
    for version, event in enumerate(events, 1):
        other = happened("addressee_registered", email=SEALED)
        own = {"stream": STREAM, "version": version, **event}
        lines += [
            {"stream": f"addressee:{OTHER}", "version": len(lines) + n, **other} for n in range(1, apart + 1)
        ]
        lines.append(own)
    actor = {"grant": None, "id": str(OTHER), "kind": "api_key", "member": None}
    envelopes = [
        {
            "metadata": {"actor": actor, "channel": "api"},
            "name": line["name"],
            "payload": line["payload"],
            "position": position,
            "recorded_at": f"2026-11-02T10:00:00.{position:06d}Z",
            "schema_version": 1,
            "stream": line["stream"],
            "tenant": str(TENANT),
            "version": line["version"],
        }
        for position, line in enumerate(lines, 1)
    ]
    return Log([json.dumps(one, separators=(",", ":")).encode() for one in envelopes])


def certificate(
    log: Log, versions: Iterable[int], *, message: str = MESSAGE, apart: int = 3, **other: Any
) -> bytes:
    """The certificate with these of the person's events, as they were put into the log."""
    positions = [version * (apart + 1) for version in versions]
    part = log.part(positions, proofs=other.pop("proofs", positions[-2:]))
    told: dict[str, Any] = {
        "question": {"certificate": {"message": message, "whole": False}},
        "packs": {f"xx@{VERSION}.toml": PACK.encode()},
    }
    return written(part, **(told | other))


def hashed(text: str) -> str:
    """How versions of packs were made once."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
