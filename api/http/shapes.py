"""The shapes of answers and parameters, as the OpenAPI document shows them; and examples that fit a schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from api.http.answer_headers import OF_OTHERS, headers_of
from api.http.completeness_shapes import COMPLETENESS
from api.http.difference_shapes import DIFFERENCES
from api.http.judged_shapes import PREVIEWS, REJUDGED
from api.http.result_shapes import ASKED_BY, DISCLOSURE, RESULT, RESULTS
from api.http.shaping import MOMENT, UUID, Json, object_of, ref
from api.http.versions import LATEST, VERSIONS
from application.replay import CONTEXT
from domain.kernel.personal import ERASED, SEALED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from domain.kernel.permissions import Permission

READ_STATUSES: Final = (400, 401, 403, 404, 422, 429, 500, 503)
WRITE_STATUSES: Final = (400, 401, 402, 403, 404, 409, 413, 415, 422, 429, 500, 503)
READ_PARAMETERS: Final = ("Grant", "Tenant", "Version", "RequestId")
_POSITION: Final[Json] = {
    "type": "string",
    "description": "An opaque token of a place in the log; pass it back as `min_position` to read your writes.",
}


_FIELD_ERROR: Final = object_of(
    {
        "pointer": {"type": "string", "description": "JSON pointer into the body, or into the parameters."},
        "parameter": {"type": "string"},
        "header": {"type": "string"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
    },
    optional=("pointer", "parameter", "header"),
)

SCHEMAS: Final[Json] = {
    **RESULTS,
    **PREVIEWS,
    "AskedBy": ASKED_BY,
    "Disclosure": DISCLOSURE,
    **REJUDGED,
    "Completeness": COMPLETENESS,
    "Problem": object_of(
        {
            "type": {"type": "string", "description": "A stable address of the rule: `/problems/<code>`."},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "request_id": {"type": "string"},
            "errors": {"type": "array", "items": _FIELD_ERROR},
        },
        optional=("request_id", "errors"),
        about="RFC 9457. Names of fields are repeated in one, values never. Some types carry further members.",
        closed=False,
    ),
    "EventTold": object_of(
        {
            "name": {"type": "string"},
            "stream": {
                "type": "string",
                "description": "`category:id`; the category alone where the id is a pseudonym.",
            },
            "version": {"type": "integer"},
            "position": {"type": "integer"},
        }
    ),
    "Outcome": object_of(
        {
            "command_id": UUID,
            "id": {**UUID, "description": "The stream the command was about."},
            "version": {"type": "integer", "description": "The stream's version now; also the ETag."},
            "position": _POSITION,
            "replayed": {
                "type": "boolean",
                "description": "The idempotency key was accepted before; nothing was done now.",
            },
            "events": {"type": "array", "items": ref("EventTold")},
            "result": RESULT,
        },
        optional=("result",),
        about="What became of a command.",
    ),
    "SecretOutcome": object_of(
        {
            "command_id": UUID,
            "id": UUID,
            "version": {"type": "integer"},
            "position": _POSITION,
            "replayed": {"type": "boolean"},
            "events": {"type": "array", "items": ref("EventTold")},
            "secret": {
                "type": ["string", "null"],
                "description": "Shown once; null when the answer is given again, but for a day what is kept.",
            },
            "note": {"type": "string"},
        },
        optional=("note",),
        about="What became of a command whose answer shows a secret, once.",
    ),
    "Rehearsal": object_of(
        {
            "dry_run": {"const": True},
            "id": UUID,
            "version": {"type": "integer"},
            "position": _POSITION,
            "events": {
                "type": "array",
                "items": object_of(
                    {"name": {"type": "string"}, "data": {"type": "object"}}, optional=("data",)
                ),
            },
            "result": RESULT,
        },
        optional=("result",),
        about="The events a command would append. `data` for those who may read the history; personal values sealed.",
    ),
    "BatchLine": object_of(
        {
            "id": {
                "type": "string",
                "pattern": "^[!-~]{1,255}$",
                "description": "The line's idempotency key.",
            },
            "command": {
                "type": "string",
                "pattern": "^[a-z_]+/[a-z-]+$",
                "examples": ["audience/create-contact"],
            },
            "target": {"anyOf": [UUID, {"const": "new"}]},
            "body": {"type": "object"},
        },
        optional=("body",),
    ),
    "BatchAnswer": object_of(
        {
            "line": {
                "type": ["integer", "null"],
                "description": "From 1; null: why no more lines were taken.",
            },
            "id": {"type": ["string", "null"]},
            "status": {"type": "integer"},
            "position": {
                **_POSITION,
                "description": "Of a refused line: what it was decided on held this much.",
            },
            "result": {"anyOf": [ref("Outcome"), ref("Rehearsal")]},
            "problem": ref("Problem"),
        },
        optional=("position", "result", "problem"),
    ),
    "Receipt": object_of(
        {
            "command": {"type": "string"},
            "command_id": UUID,
            "accepted_at": {"type": "string", "format": "date-time"},
            "position": _POSITION,
            "events": {"type": "array", "items": ref("EventTold")},
            "caught_up": {
                "type": "object",
                "additionalProperties": object_of(
                    {"reached": {"type": ["boolean", "null"]}, "stopped": {"type": ["boolean", "null"]}},
                ),
                "description": "By view, and for `analytics`: whether it shows what the command did; whether it "
                "stopped at some event. Null where analytics cannot be asked just now.",
            },
        }
    ),
    "HistoryEvent": object_of(
        {
            "position": {"type": "integer"},
            "recorded_at": {"type": "string", "format": "date-time"},
            "stream": {"type": "string"},
            "version": {"type": "integer"},
            "name": {"type": "string"},
            "schema_version": {"type": "integer"},
            "payload": {"type": "object"},
            "actor": {"type": "object"},
            **{name: {"type": ["string", "null"]} for name in CONTEXT},
        },
        about=f"`{ERASED}`: the key was destroyed. `{SEALED}`: you may not see it.",
    ),
    "StreamState": object_of(
        {"stream": {"type": "string"}, "version": {"type": "integer"}, "state": {"type": "object"}}
    ),
    "Difference": object_of(
        {
            "from": {"anyOf": [ref("StreamState"), {"type": "null"}]},
            "to": ref("StreamState"),
            "changes": {
                "type": "array",
                "items": object_of({"path": {"type": "string"}, "before": {}, "after": {}}),
            },
        }
    ),
    "ReportInfo": object_of(
        {
            "question": {"type": "string", "description": "What the report answers, as a reader asks it."},
            "definition": object_of(
                {
                    "owner": {"type": "string"},
                    "version": {"type": "integer", "minimum": 1},
                    **{name: {"type": "string"} for name in ("formula", "includes", "excludes")},
                },
                about="What stands beside the figures; its version rises with any change of what they mean.",
            ),
        },
        closed=False,
    ),
    "Import": object_of(
        {"id": UUID, "workspace_id": UUID, "kind": {"type": "string"}, "status": {"type": "string"}},
        closed=False,
    ),
    "Upload": object_of(
        {
            "command_id": UUID,
            "id": UUID,
            "version": {"type": "integer"},
            "position": _POSITION,
            "replayed": {"type": "boolean"},
            "events": {"type": "array", "items": ref("EventTold")},
            "status": {"type": "string"},
            "file": {
                "type": ["object", "null"],
                "description": "How the file reads, and what its columns are taken for.",
            },
        },
        about="An import that was registered.",
    ),
    "Links": object_of(
        {
            "list_unsubscribe": {"type": "string", "description": "The value of `List-Unsubscribe`."},
            "list_unsubscribe_post": {
                "type": "string",
                "description": "The value of `List-Unsubscribe-Post`.",
            },
            "page": {
                "type": "string",
                "description": "Where the person chooses; for the text of the message.",
            },
            "confirmation": {
                "type": ["string", "null"],
                "description": "Where the person confirms a consent; null without `request`.",
            },
        },
        about="The links of one message to one person. DKIM must cover both headers.",
    ),
    **DIFFERENCES,
    "EventBehind": object_of({"position": {"type": "integer"}, "weight": {"type": ["integer", "number"]}}),
}


def page_of(item: Json, **more: Json) -> Json:
    """A list: rows, the cursor that goes on, and what it was made from."""
    return object_of(
        {
            "data": {"type": "array", "items": item},
            "next": {
                "type": ["string", "null"],
                "description": "The cursor of the next page; null: there is none.",
            },
            "position": _POSITION,
            "as_of": MOMENT,
            **more,
        }
    )


def single(item: Json) -> Json:
    """One thing, and what it was made from."""
    return object_of({"data": item, "position": _POSITION, "as_of": MOMENT})


def noted(shape: Json) -> Json:
    """An answer that says in words why it is empty, where it is as of a moment before the first event."""
    return {**shape, "properties": {**shape["properties"], "note": {"type": "string"}}}


def problems(statuses: Iterable[int]) -> Json:
    """The problem answers with these statuses."""
    return {str(status): {"$ref": f"#/components/responses/Problem{status}"} for status in statuses}


def shared(names: Iterable[str]) -> list[Json]:
    """Parameters by reference."""
    return [{"$ref": f"#/components/parameters/{name}"} for name in names]


def without_null(shape: Json) -> Json:
    """A parameter that is not given is left out; it is never null."""
    kept = {key: value for key, value in shape.items() if key not in ("default", "title")}
    choices = [one for one in kept.get("anyOf", []) if one != {"type": "null"}]
    if len(choices) == 1:
        del kept["anyOf"]
        return {**kept, **choices[0]}
    return kept


def _header(name: str, about: str, shape: Json) -> Json:
    return {"name": name, "in": "header", "required": False, "description": about, "schema": shape}


def parameter(name: str, about: str, shape: Json, *, needed: bool = False) -> Json:
    """A parameter of the query string."""
    return {"name": name, "in": "query", "required": needed, "description": about, "schema": shape}


PARAMETERS: Final[Json] = {
    "IdempotencyKey": _header(
        "Idempotency-Key",
        "Yours to choose, one for each command you mean; it stands for this request for ever.",
        {"type": "string", "pattern": "^[!-~]{1,255}$"},
    ),
    "IfMatch": _header(
        "If-Match",
        "The version you expect, as the ETag gave it; 409 with the current one if it moved.",
        {"type": "string", "pattern": '^"[0-9]{1,18}"$'},
    ),
    "DryRunHeader": _header(
        "Penguin-Dry-Run", "Decide and append nothing.", {"type": "string", "enum": ["true", "false"]}
    ),
    "DryRun": parameter("dry_run", "The same as the header.", {"type": "string", "enum": ["true", "false"]}),
    "Reason": _header(
        "Penguin-Reason",
        "Why; it stands in the history, sealed for those who may not read personal history.",
        {"type": "string", "pattern": "^[!-~]([ -~]{0,498}[!-~])?$"},
    ),
    # No `format: uuid`: clients that are made from the document would take a UUID and put it into the header as it is.
    "Tenant": _header(
        "Penguin-Tenant",
        "Staff: the tenant that the command is about.",
        {"type": "string", "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"},
    ),
    "Grant": _header(
        "Penguin-Grant",
        "Staff: read under a break-glass grant, `<tenant id>.<grant id>`.",
        {"type": "string", "pattern": "^[0-9a-f-]{36}\\.[0-9a-f-]{36}$"},
    ),
    "Version": _header(
        "Penguin-Version",
        f"The version of the API you were written for; {LATEST} unless given.",
        {"type": "string", "enum": list(VERSIONS)},
    ),
    "RequestId": _header(
        "X-Request-Id",
        "A UUID, or 16 to 64 hexadecimal digits, to find the request by; one is made otherwise.",
        {"type": "string", "pattern": "^[0-9a-f-]{16,64}$"},
    ),
    "Cursor": parameter("cursor", "`next` of the page before.", {"type": "string"}),
    "Limit": parameter(
        "limit", "How many rows at most.", {"type": "integer", "minimum": 1, "maximum": 100, "default": 50}
    ),
    "MinPosition": parameter(
        "min_position",
        "Answer once the view has reached this position; 503 `view-not-ready` when that takes too long.",
        {"type": "string"},
    ),
    "At": parameter(
        "at",
        "As it was: at a position (its number, or the token of an answer) or a moment (with its offset, not to come). "
        "It is made anew from the log; 503 `being-rebuilt` while that takes longer than one answer may: ask again.",
        {"type": "string"},
    ),
}


def answer(
    about: str, shape: Json, media: str = "application/json", headers: Iterable[str] = OF_OTHERS
) -> Json:
    """A good answer."""
    return {"description": about, "headers": headers_of(headers), "content": {media: {"schema": shape}}}


def reading(
    operation: str, summary: str, permission: Permission | None, own: list[Json], shape: Json, tag: str = ""
) -> Json:
    """An operation that answers a question."""
    return {
        "operationId": operation,
        "tags": [tag or operation.partition("_")[0]],
        "summary": summary,
        "x-permission": None if permission is None else permission.value,
        "parameters": [*own, *shared(READ_PARAMETERS)],
        "responses": {"200": answer("As of `position`.", shape), **problems(READ_STATUSES)},
    }
