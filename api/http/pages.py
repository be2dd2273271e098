"""Pages for people: the API's reference, the problem types, the OpenAPI document. No script, nothing from elsewhere."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import Response
from starlette.routing import Route

from api.http.kinds import NOT_FOUND
from api.http.openapi import openapi
from api.http.problems import Problem, catalogue
from api.http.replies import dumps
from api.http.style import STYLE

if TYPE_CHECKING:
    from starlette.requests import Request

    from api.http.shaping import Json

_HEADERS: Final = {
    "content-security-policy": "default-src 'none'; style-src 'self'; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
_OPERATIONS: Final = ("get", "post")


def routes() -> list[Route]:
    """The pages."""
    return [
        Route("/", _start, methods=["GET"]),
        Route("/openapi.json", _document, methods=["GET"]),
        Route("/docs", _reference, methods=["GET"]),
        Route("/docs/style.css", _style, methods=["GET"]),
        Route("/problems", _problems, methods=["GET"]),
        Route("/problems/{code}", _problem, methods=["GET"]),
    ]


async def _start(_: Request) -> Response:
    return _page(
        "PenguinMails",
        '<p>The API. <a href="/docs">Reference</a>, <a href="/problems">problem types</a>, '
        '<a href="/openapi.json">OpenAPI document</a>.</p>',
    )


async def _document(_: Request) -> Response:
    return Response(dumps(openapi()), media_type="application/json", headers=_HEADERS)


async def _style(_: Request) -> Response:
    return Response(STYLE, media_type="text/css", headers=_HEADERS)


async def _problems(_: Request) -> Response:
    rows = "".join(
        f'<tr><td><a href="/problems/{code}"><code>{code}</code></a></td><td>{kind.status}</td>'
        f"<td>{escape(kind.title)}</td></tr>"
        for code, kind in catalogue().items()
    )
    table = (
        "<table><caption>Every problem that the API answers with</caption><thead><tr><th scope='col'>Type</th>"
        f"<th scope='col'>Status</th><th scope='col'>In short</th></tr></thead><tbody>{rows}</tbody></table>"
    )
    return _page("Problem types", table)


async def _problem(request: Request) -> Response:
    kind = catalogue().get(request.path_params["code"])
    if kind is None:
        raise Problem(NOT_FOUND)
    again = (
        ""
        if kind.retry_after is None
        else "<p>The same request may well succeed after <code>Retry-After</code>.</p>"
    )
    body = (
        f"<p>{escape(kind.about)}</p><p>Status {kind.status}, type <code>/problems/{kind.code}</code>.</p>{again}"
        '<p><a href="/problems">All problem types</a></p>'
    )
    return _page(kind.title, body)


async def _reference(_: Request) -> Response:
    document = openapi()
    groups: dict[str, list[str]] = {}
    for path, operations in document["paths"].items():
        for method in _OPERATIONS:
            if method in operations:
                operation = operations[method]
                groups.setdefault(operation["tags"][0], []).append(
                    _operation(method, path, operation, document)
                )
    contents = "".join(f'<li><a href="#{tag}">{tag}</a></li>' for tag in sorted(groups))
    sections = "".join(f'<h2 id="{tag}">{tag}</h2>{"".join(shown)}' for tag, shown in sorted(groups.items()))
    return _page("API reference", f"<nav aria-label='Contents'><ul>{contents}</ul></nav>{sections}")


def _operation(method: str, path: str, operation: Json, document: Json) -> str:
    name = operation["operationId"]
    permission = operation.get("x-permission")
    needs = f"<p>Needs <code>{escape(permission)}</code>.</p>" if permission else ""
    about = escape(str(operation.get("description", operation.get("summary", ""))))
    return (
        f'<section><h3 id="{name}"><code>{method.upper()} {escape(path)}</code></h3>'
        f"<p>{about}</p>{needs}{_body(operation, document)}</section>"
    )


def _body(operation: Json, document: Json) -> str:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return ""
    schema = content["schema"]
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    needed = schema.get("required", [])
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{escape(_kind(shape))}</td>"
        f"<td>{'needed' if name in needed else ''}</td><td>{escape(shape.get('x-personal', ''))}</td></tr>"
        for name, shape in schema.get("properties", {}).items()
    )
    if not rows:
        return "<p>No fields.</p>"
    shown = json.dumps(content["example"], indent=2, ensure_ascii=False) if "example" in content else ""
    table = (
        "<table><caption>Fields of the body</caption><thead><tr><th scope='col'>Field</th><th scope='col'>Kind</th>"
        f"<th scope='col'>Needed</th><th scope='col'>Personal</th></tr></thead><tbody>{rows}</tbody></table>"
    )
    return table + (f"<pre>{escape(shown)}</pre>" if shown else "")


def _kind(shape: Json) -> str:
    if "$ref" in shape:
        return str(shape["$ref"]).rpartition("/")[2]
    for key in ("anyOf", "oneOf"):
        if key in shape:
            return " or ".join(_kind(one) for one in shape[key])
    found: Any = shape.get("format", shape.get("type", "any"))
    return f"list of {_kind(shape.get('items', {}))}" if found == "array" else str(found)


def _page(title: str, body: str) -> Response:
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)} - PenguinMails</title>'
        '<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="/docs/style.css"></head>'
        f"<body><main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )
    return Response(text, media_type="text/html; charset=utf-8", headers=_HEADERS)
