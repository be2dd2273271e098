"""What is held of a person, over HTTP: JSON for machines, one page for people. Whoever looks is recorded first.

The page stands by itself, so that it can be kept and printed as it was sent.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response
from starlette.routing import Route

from api.http.asking import Desk
from api.http.replies import ALWAYS
from api.http.request import uuid_in
from api.http.style import STYLE
from application.completeness import Completeness
from application.disclosing import digest
from application.orders import Order
from application.ports.positions import Position
from application.principals import Principal
from domain.access.reads import ReadKind
from domain.kernel.errors import NotFound
from domain.kernel.permissions import Permission
from domain.rights.commands import NoteDisclosure
from domain.rights.kinds import DisclosureForm

if TYPE_CHECKING:
    from starlette.requests import Request

    from application.disclosing import Disclosure

NAME: Final = "rights.disclosure"
WHO: Final = "rights.asked"
NEEDED: Final = (Permission.REQUESTS_HANDLE, Permission.CONTACTS_READ_PERSONAL, Permission.EVIDENCE_READ)
"""To answer for a person is to see everything of them, the proof of their consents too."""
_HASH: Final = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
_HEADERS: Final = {
    **{name.decode(): value.decode() for name, value in ALWAYS},
    "content-security-policy": f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
}


class AsForm(BaseModel):
    """In which form."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    form: Literal["json", "html"] = Field(default="json", description="For a machine, or for a person.")


class Disclosures(Desk):
    """Shows what is held of the one a request is about."""

    def routes(self) -> list[Route]:
        """Two."""
        return [
            Route("/v1/rights/requests/{id}/asked", self.asked_by, methods=["GET"]),
            Route("/v1/rights/requests/{id}/disclosure", self.disclosure, methods=["GET"]),
        ]

    async def asked_by(self, request: Request) -> Response:
        """Who asks, and in which words: what it takes to answer them."""
        asked = await self.asked(request, WHO, ("min_position",))
        await self.reachable(asked, asked.position())
        principal = asked.principal
        for permission in (Permission.REQUESTS_HANDLE, Permission.CONTACTS_READ_PERSONAL):
            principal.require(permission)
            if principal.confined_to(permission) is not None:
                raise NotFound
        request_id = uuid_in(request.path_params["id"])
        if request_id is None:
            raise NotFound
        told, position = await self.parts.disclosing.asked(principal.tenant_id, request_id)
        await self.trace(asked, WHO, ReadKind.PERSONAL, position=position, rows=1, subjects=(request_id,))
        as_of = await self.as_of(principal.tenant_id, Position.parse(position))
        return self.answer(asked, {"data": told, "position": position, "as_of": as_of}, position)

    async def disclosure(self, request: Request) -> Response:
        """The document, and the SHA-256 of its bytes: what is recorded once it was handed over.

        That it was made is entered with the request: nothing else is recorded as handed over.
        """
        asked = await self.asked(request, NAME, (*AsForm.model_fields, "min_position"))
        await self.reachable(asked, asked.position())
        principal = asked.principal
        for permission in NEEDED:
            principal.require(permission)
            if principal.confined_to(permission) is not None:
                raise NotFound
        request_id = uuid_in(request.path_params["id"])
        form: AsForm = asked.read_as(AsForm)
        if request_id is None:
            raise NotFound
        found = await self.parts.disclosing.of(principal.tenant_id, request_id)
        html = form.form == "html"
        content = page(found).encode() if html else found.as_json()
        kept = found.document.get("kept_after_erasure", ())
        position = Position.parse(found.position)
        # Not in the document, which stays the same to the byte while the log is signed on.
        made = Completeness(
            principal.tenant_id,
            position,
            sum(len(part["history"]) for part in (found.document, *kept)),
            await self.signed(asked, position),
        )
        certified = await self.exported(asked, NAME, made, subjects=found.people)
        note = NoteDisclosure(digest=digest(content), position=found.position, form=DisclosureForm(form.form))
        inner = Principal(principal.tenant_id, principal.actor, frozenset({Permission.INTERNAL}), None, 0)
        await self.parts.commands.execute(
            Order(
                inner,
                note,
                request_id,
                b"",
                request_id=asked.call.request_id,
                ip=asked.call.ip,
                reason=principal.because(asked.call.reason),
            )
        )
        raw = hashlib.sha256(content).digest()
        headers = {
            **_HEADERS,
            **certified,
            "content-digest": f"sha-256=:{base64.b64encode(raw).decode()}:",
            "etag": f'"{digest(content)}"',
            "content-disposition": f"{'inline' if html else 'attachment'}; "
            f'filename="disclosure.{"html" if html else "json"}"',
        }
        return Response(content, 200, headers, "text/html; charset=utf-8" if html else "application/json")


def page(found: Disclosure) -> str:
    """The document for people: what is held, part by part, in the order of time."""
    document = found.document
    about = document["about"]
    title = f"What {about['controller'] or 'we'} holds about you"
    parts = [f"<p>As of {_text(about['as_of'])}, for {escape(str(about['email'] or 'you'))}.</p>"]
    if about["clients"]:
        parts.append(_section("Who is responsible", _value([about["controller"], *about["clients"]])))
    if "standing" in document:
        parts.append(_section("What holds now", _value(document["standing"])))
    for number, contact in enumerate(document["contacts"], 1):
        parts.append(_section(f"Contact {number}", _value(contact)))
    if document.get("processing"):
        parts.append(_section("What your data are used for", _value(document["processing"])))
    parts.append(_section("Everything that was entered", _table(document["history"])))
    for kept in document.get("kept_after_erasure", ()):
        told = {name: one for name, one in kept.items() if name not in ("about", "history")}
        body = f"<p>{escape(kept['about'])}</p>{_value(told)}{_table(kept['history'])}"
        parts.append(_section("What is kept after an erasure", body))
    rights = "".join(f"<li>{escape(one)}</li>" for one in about["rights"])
    parts.append(_section("Your rights", f"<ul>{rights}</ul>"))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}</style></head><body><main><h1>{escape(title)}</h1>{''.join(parts)}</main></body></html>"
    )


def _table(history: list[dict[str, Any]]) -> str:
    rows = "".join(
        f"<tr><td>{_text(one['at'])}</td><td>{escape(one['told'])}</td><td>{_value(one['values'])}</td></tr>"
        for one in history
    )
    return (
        "<table><thead><tr><th scope='col'>When</th><th scope='col'>What</th><th scope='col'>What was entered</th>"
        f"</tr></thead><tbody>{rows}</tbody></table>"
    )


def _section(title: str, body: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{body}</section>"


def _value(value: Any) -> str:
    """A value as a person reads it; what is not there is left out."""
    match value:
        case dict():
            items = [(name, one) for name, one in value.items() if one not in (None, "", [], {})]
            shown = "".join(f"<dt>{escape(_named(name))}</dt><dd>{_value(one)}</dd>" for name, one in items)
            return f"<dl>{shown}</dl>" if items else "-"
        case list() | tuple():
            return f"<ul>{''.join(f'<li>{_value(one)}</li>' for one in value)}</ul>"
        case bool():
            return "yes" if value else "no"
        case _:
            return _text(value)


def _named(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M} UTC"
    return escape(str(value))
