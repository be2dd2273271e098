"""The OpenAPI 3.1 document, made from the registries: a command or a query that is declared is documented."""

from __future__ import annotations

import inspect
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from api.http.answer_headers import HEADERS, OF_COMMANDS, headers_of_problem
from api.http.examples import example
from api.http.fixed import fixed_paths
from api.http.fixed_history import difference_of
from api.http.problems import MEDIA_TYPE, catalogue
from api.http.recorded import declare
from api.http.shapes import (
    PARAMETERS,
    READ_PARAMETERS,
    READ_STATUSES,
    SCHEMAS,
    WRITE_STATUSES,
    answer,
    noted,
    page_of,
    parameter,
    problems,
    shared,
    single,
    without_null,
)
from api.http.shaping import Json, ref
from api.http.versions import DEPRECATED, LATEST
from application.queries import QUERIES
from domain.kernel.commands import COMMANDS
from domain.kernel.personal import ERASED, SEALED, personal_fields
from domain.tenancy.secret import SecretCommand

if TYPE_CHECKING:
    from pydantic import BaseModel

    from application.queries import Query
    from domain.kernel.commands import Command

_TEMPLATE: Final = "#/components/schemas/{model}"
_COMMAND_PARAMETERS: Final = (
    "IdempotencyKey",
    "IfMatch",
    "DryRunHeader",
    "DryRun",
    "Reason",
    "Tenant",
    "Version",
    "RequestId",
)
_STATUS: Final = {
    400: "The request cannot be read: its headers, or JSON that is none.",
    401: "No live API key.",
    403: "The permission is missing; the problem names it.",
    404: "There is no such thing here; things of other tenants are not shown.",
    406: "Not in this form.",
    402: "Something has to be bought or paid first.",
    409: "A rule says no as things stand, or the stream moved.",
    413: "The body is too large.",
    415: "The body's media type is not taken.",
    422: "A field does not fit, or a rule about it says no.",
    429: "The plan's rate is used up.",
    500: "A mistake of ours.",
    503: "Not available just now; try again after `Retry-After` seconds.",
}


class Document:
    """Collects paths and schemas."""

    def __init__(self) -> None:
        """Begin with what all share."""
        self.schemas: Json = dict(SCHEMAS)
        self.paths: Json = {}
        self._rows: dict[type[BaseModel], Json] = {}

    def schema(self, model: type[BaseModel], *, mode: Any = "validation") -> Json:
        """A model's schema by reference, its parts among the shared ones."""
        made = model.model_json_schema(ref_template=_TEMPLATE, mode=mode)
        for name, part in made.pop("$defs", {}).items():
            if self.schemas.setdefault(name, part) != part:
                raise TypeError(f"two shapes are named {name}; rename one")
        name = model.__name__
        if self.schemas.setdefault(name, made) != made:
            raise TypeError(f"two shapes are named {name}; rename one")
        return ref(name)

    def command(self, kind: type[Command]) -> None:
        """One command."""
        body = self.schema(kind)
        operation = f"{kind.context}_{kind.slug.replace('-', '_')}"
        outcome = ref("SecretOutcome" if issubclass(kind, SecretCommand) else "Outcome")
        content = {"application/json": {"schema": body, "example": example(body, self.schemas)}}
        needed = bool(self.schemas[kind.__name__].get("required"))
        target = {
            "name": "stream_id",
            "in": "path",
            "required": True,
            "description": f"Id of the {kind.stream.replace('_', ' ')}, or `new` for one with an id of our making.",
            "schema": {"anyOf": [{"type": "string", "format": "uuid"}, {"const": "new"}]},
        }
        self.paths[f"/v1/{kind.context}/{{stream_id}}/{kind.slug}"] = {
            "post": {
                "operationId": operation,
                "tags": [kind.context],
                **described(kind),
                "x-permission": kind.permission.value,
                "x-personal": {name: mark.value for name, mark in kind.personal.items()},
                **deprecated(operation),
                "parameters": [target, *shared(_COMMAND_PARAMETERS)],
                "requestBody": {"required": needed, "content": content},
                "responses": {
                    "200": answer(
                        "Done, or rehearsed.", {"anyOf": [outcome, ref("Rehearsal")]}, headers=OF_COMMANDS
                    ),
                    "201": answer("Done, on a new stream.", outcome, headers=OF_COMMANDS),
                    **problems(WRITE_STATUSES),
                },
            }
        }

    def query(self, query: Query) -> None:
        """One query."""
        operation = query.name.replace(".", "_")
        row = self.row(query)
        if query.single:
            own = [_id_parameter()]
            shape, ways = single(row), ["MinPosition", "At"]
        else:
            own = self.parameters(query.params)
            shape, ways = noted(page_of(row)), ["Cursor", "Limit", "MinPosition", "At"]
        self.paths.setdefault(query.route, {})["get"] = {
            "operationId": operation,
            "tags": [query.context],
            **described(query.run),
            "x-permission": query.permission.value,
            "x-shows-personal-with": None if query.reveals_with is None else query.reveals_with.value,
            **deprecated(operation),
            "parameters": [*own, *shared((*ways, *READ_PARAMETERS))],
            "responses": {"200": answer("As of `position`.", shape), **problems((*READ_STATUSES, 409))},
        }
        if not query.single:
            told = difference_of(operation, own, row, query.permission)
            self.paths[f"{query.route}/difference"] = {"get": {**told, "tags": [query.context]}}

    def row(self, query: Query) -> Json:
        """A row's schema; where a personal value stands, a mark may stand too."""
        known = self._rows.get(query.row)
        if known is not None:
            return known
        made = self._rows[query.row] = self.schema(query.row, mode="serialization")
        properties = self.schemas[query.row.__name__]["properties"]
        marks = {"enum": [ERASED, SEALED]}
        for name in personal_fields(query.row):
            if marks not in properties[name].get("anyOf", []):
                properties[name] = {
                    "anyOf": [properties[name], marks],
                    "x-personal": properties[name].get("x-personal"),
                }
        return made

    def parameters(self, model: type[BaseModel]) -> list[Json]:
        """A model's fields as parameters of the query string."""
        self.schema(model)
        fields = self.schemas.pop(model.__name__)
        return [
            parameter(
                name,
                shape.get("description", shape.get("title", name)),
                without_null(shape),
                needed=name in fields.get("required", []),
            )
            for name, shape in fields["properties"].items()
        ]


def _id_parameter() -> Json:
    return {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}


def described(thing: object) -> Json:
    """Summary and description from a docstring."""
    text = inspect.getdoc(thing) or ""
    first, _, _ = text.partition("\n")
    return {"summary": first.partition(". ")[0].rstrip("."), "description": " ".join(text.split())}


def deprecated(operation: str) -> Json:
    """The mark of an operation that goes."""
    return {"deprecated": True} if operation in DEPRECATED else {}


def _problem_responses() -> Json:
    by_status: dict[int, list[str]] = {}
    for kind in catalogue().values():
        by_status.setdefault(kind.status, []).append(kind.code)
    return {
        f"Problem{status}": {
            "description": f"{about} Types: {', '.join(sorted(by_status.get(status, [])))}.",
            "headers": headers_of_problem(status),
            "content": {MEDIA_TYPE: {"schema": ref("Problem")}},
        }
        for status, about in _STATUS.items()
    }


@lru_cache(maxsize=1)
def openapi() -> Json:
    """The document. Made once: the registries are complete when the first request comes."""
    document = Document()
    for kind in COMMANDS.public():
        document.command(kind)
    for query in sorted(QUERIES.values(), key=lambda one: one.name):
        document.query(query)
    for path, operations in fixed_paths(document).items():
        document.paths.setdefault(path, {}).update(operations)
    declare(document.paths)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "PenguinMails",
            "version": LATEST,
            "description": "Every change is a command, every answer says which position of the log it was made from.",
        },
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "paths": dict(sorted(document.paths.items())),
        "components": {
            "schemas": dict(sorted(document.schemas.items())),
            "parameters": PARAMETERS,
            "headers": HEADERS,
            "responses": _problem_responses(),
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "An API key, `pm_live_...`."}
            },
        },
    }
