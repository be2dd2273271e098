"""The routes of people's own doors, as the OpenAPI document shows them."""

from __future__ import annotations

from typing import Final

from api.http import people
from api.http.answer_headers import headers_of
from api.http.doors import FORM, ONE_CLICK, PARTS
from api.http.shapes import parameter, problems, shared
from api.http.shaping import Json

_TEXT: Final[Json] = {"type": "string"}


def door_paths() -> Json:
    """The doors of people. What goes wrong is a page where `Accept` takes HTML, and a problem document elsewhere."""
    name, value = ONE_CLICK
    one_click = {"type": "object", "properties": {name: {"const": value}}, "required": [name]}
    choice = {
        "type": "object",
        "properties": {"choice": {"type": "string", "enum": list(people.CHOICES)}},
        "required": ["choice"],
    }
    asking = {**choice, "properties": {"choice": {"type": "string", "enum": list(people.REQUESTS)}}}
    return {
        "/u/{token}": {
            "get": _door("doors_look_to_stop", "The page of a link that stops mail; it changes nothing"),
            "post": _door(
                "doors_one_click", "Stop all mail of a tenant to a person, at once (RFC 8058)", one_click
            ),
        },
        "/p/{token}": {
            "get": _door("doors_look_at_choices", "The page on which a person chooses; it changes nothing"),
            "post": _door("doors_choose", "Enter what a person chose, and show what is in force", choice),
        },
        "/d/{token}": {
            "get": _door(
                "doors_look_at_data", "The page on which a person asks about their data; it changes nothing"
            ),
            "post": _door("doors_ask", "Take in what a person asks about their data", asking),
        },
        "/c/{token}": {
            "get": _door(
                "doors_look_at_confirmation",
                "The page on which a person confirms a consent; it changes nothing",
            ),
            "post": _door("doors_confirm", "Double opt-in, second step", {"type": "object"}),
        },
    }


def _door(operation: str, summary: str, form: Json | None = None) -> Json:
    token = {
        "name": "token",
        "in": "path",
        "required": True,
        "description": "Stands in the link; opaque.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,400}$"},
    }
    told = parameter("lang", "The language, where it is not to be the browser's.", _TEXT)
    page = {"description": "A page.", "headers": headers_of(("RequestId",))}
    statuses = (
        (400, 404, 409, 429, 500, 503) if form is None else (400, 404, 409, 413, 415, 422, 429, 500, 503)
    )
    shown: Json = {
        "operationId": operation,
        "tags": ["doors"],
        "summary": summary,
        "description": f"{summary}. No key: the token is the person's word. Errors are pages where `Accept` takes "
        "HTML.",
        "security": [],
        "parameters": [token, told, *shared(("RequestId",))],
        "responses": {
            "200": {**page, "content": {"text/html": {"schema": _TEXT}}},
            **problems(statuses),
        },
    }
    if form is not None:
        bodies = {media: {"schema": form} for media in (FORM, PARTS)}
        shown["requestBody"] = {"required": bool(form.get("required")), "content": bodies}
    return shown
