"""The route of noted checkpoints, as the OpenAPI document shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from api.http.shapes import parameter, reading, single
from api.http.shaping import MOMENT, TEXT, Json, object_of
from domain.audit.origins import LogKind
from domain.kernel.permissions import Permission

if TYPE_CHECKING:
    from collections.abc import Mapping

_COUNT: Final[Json] = {"type": "integer", "minimum": 1}
_ROOT: Final[Json] = {"type": "string", "description": "In base64, as in the checkpoint."}
_HEAD: Final[Mapping[str, Json]] = {"epoch": {"type": "integer"}, "size": {"type": "integer"}, "root": _ROOT}
_LOG: Final[Json] = {"type": "string", "enum": [one.value for one in LogKind]}


def noted_paths() -> Json:
    """One path."""
    contradicted = object_of(
        dict(_HEAD), "A checkpoint that the database told and that contradicts one noted before."
    )
    row = object_of(
        {
            "log": _LOG,
            **_HEAD,
            "noted_at": MOMENT,
            "contradicted_by": {"anyOf": [contradicted, {"type": "null"}]},
            "platform_position": {
                "type": "integer",
                "description": "Of the event in the platform's log; in its tree it is the entry before.",
            },
            "envelope": {
                "type": "string",
                "description": "The event as it is stored: SHA-256 of it is the entry.",
            },
            "proof": {
                **TEXT,
                "description": "A tlog-proof of the platform's tree; null until a checkpoint of that holds the event.",
            },
        }
    )
    told = reading(
        "ledger_noted",
        "Where a checkpoint of this log stands in the platform's own log, with its proof",
        Permission.HISTORY_READ,
        [
            {"name": "log", "in": "path", "required": True, "schema": _LOG},
            parameter(
                "size", "The first that was noted with so many events; the latest unless given.", _COUNT
            ),
            parameter("epoch", "Of the checkpoint; the latest one unless given.", _COUNT),
        ],
        single(row),
    )
    told["description"] = (
        "Checkpoints of all tenants are noted once an hour in one log, so that nobody is shown another past than "
        "others. Only what is of the tenant's own logs is shown."
    )
    return {"/v1/ledger/{log}/noted": {"get": told}}
