"""The routes that come from no registry, as the OpenAPI document shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from api.http import batches
from api.http.audience import Asked as PreviewAsked
from api.http.catalogue import CatalogueShown
from api.http.certificates import PERMISSION as CERTIFICATES
from api.http.completeness_shapes import certified
from api.http.disclosures import AsForm
from api.http.fixed_access import access_paths
from api.http.fixed_billing import billing_paths
from api.http.fixed_citations import citation_paths
from api.http.fixed_doors import door_paths
from api.http.fixed_files import also_taken, import_paths, suppressions_read
from api.http.fixed_history import history_paths
from api.http.fixed_knowing import known_paths
from api.http.fixed_law import law_paths
from api.http.fixed_ledger import ledger_paths
from api.http.fixed_noted import noted_paths
from api.http.fixed_packs import pack_paths
from api.http.fixed_platform_reports import platform_report_paths
from api.http.fixed_reports import report_paths
from api.http.fixed_sql import sql_paths
from api.http.fixed_undoing import undo_paths
from api.http.invitations import Acceptance
from api.http.links import AboutLinks
from api.http.shapes import (
    WRITE_STATUSES,
    answer,
    page_of,
    problems,
    reading,
    shared,
    single,
)
from api.http.shaping import Json, ref
from domain.kernel.permissions import Permission

if TYPE_CHECKING:
    from api.http.openapi import Document

_TEXT: Final[Json] = {"type": "string"}
_UUID: Final[Json] = {"type": "string", "format": "uuid"}


def fixed_paths(document: Document) -> Json:
    """Paths with their operations."""
    return {
        **history_paths(document),
        **access_paths(document),
        **undo_paths(document),
        **known_paths(document),
        **_preview(document),
        **law_paths(document),
        **ledger_paths(document),
        **billing_paths(document),
        **report_paths(),
        **platform_report_paths(),
        **citation_paths(document),
        **pack_paths(document),
        **noted_paths(),
        **sql_paths(document),
        "/v1/billing/catalogue": {"get": _catalogue(document)},
        **import_paths(document),
        "/v1/audience/suppressions/export": {"get": suppressions_read()},
        "/v1/batch": {"post": _batch()},
        "/v1/receipts/{key}": {
            "get": reading(
                "receipts_look_up",
                "What became of an idempotency key, for ever",
                None,
                [
                    {
                        "name": "key",
                        "in": "path",
                        "required": True,
                        "schema": {"type": "string", "minLength": 1},
                    }
                ],
                single(ref("Receipt")),
            )
        },
        "/v1/invitations/accept": {"post": _acceptance(document)},
        **door_paths(),
        "/v1/rights/requests/{id}/asked": {"get": _asked()},
        "/v1/rights/requests/{id}/disclosure": {"get": _disclosure(document)},
        "/v1/audience/addressees/{id}/links": {"get": _links(document)},
        "/v1/audience/erasures/{id}/certificate": {"get": _certificate()},
    }


def _preview(document: Document) -> Json:
    shown = reading(
        "audience_preview",
        "How many of an audience may be mailed, how many not, by law and reason",
        Permission.CONTACTS_READ,
        document.parameters(PreviewAsked),
        ref("Preview"),
    )
    shown["description"] = (
        "JSON lines: how far it is, again and again, and at last the answer. Nothing is recorded; each message is "
        "authorised for itself when it goes."
    )
    shape = {"anyOf": [ref("PreviewProgress"), ref("Preview")]}
    shown["responses"]["200"]["content"] = {"application/x-ndjson": {"schema": shape}}
    return {"/v1/audience/preview": {"get": shown}}


def _catalogue(document: Document) -> Json:
    row = document.schema(CatalogueShown, mode="serialization")
    return reading("billing_catalogue", "Plans, add-ons and prices, every version", None, [], page_of(row))


def _asked() -> Json:
    shown = reading(
        "rights_asked",
        "Who asks, in which words, and what was said of it since",
        Permission.REQUESTS_HANDLE,
        [{"name": "id", "in": "path", "required": True, "schema": _UUID}],
        single(ref("AskedBy")),
    )
    shown["description"] = "It takes the permission to read personal values too, and is recorded."
    return shown


def _disclosure(document: Document) -> Json:
    shown = reading(
        "rights_disclosure",
        "What is held of the person a request is about",
        Permission.REQUESTS_HANDLE,
        [
            {"name": "id", "in": "path", "required": True, "schema": _UUID},
            *document.parameters(AsForm),
            *shared(("MinPosition",)),
        ],
        ref("Disclosure"),
    )
    shown["description"] = (
        "For access and portability, once the identity check is done. It takes the permissions to read personal values "
        "and evidence too. Hand it to the person, then enter its SHA-256 with record-disclosure: the `etag` has it."
    )
    shown["responses"]["200"]["content"]["text/html"] = {"schema": {"type": "string"}}
    return certified(shown)


def _batch() -> Json:
    bare = {
        "schema": {"type": "string", "format": "binary", "description": "Lines of JSON, one after another."}
    }
    lines = {batches.LINES.decode(): {"schema": ref("BatchLine")}, batches.BARE.decode(): bare}
    return {
        "operationId": "batch_run",
        "tags": ["batch"],
        "summary": "Many commands, one a line, answered in the order of the lines",
        "description": "Each line has its own `id`, its idempotency key. Lines about one stream apply in their "
        "order; a line that fails stops no other. After a broken connection, send the same lines again. "
        f"Also taken: {also_taken(batches.ACCEPTED, lines)}.",
        "parameters": shared(("DryRunHeader", "DryRun", "Reason", "Tenant", "Version", "RequestId")),
        "requestBody": {"required": True, "content": lines},
        "responses": {
            "200": answer("One answer a line.", ref("BatchAnswer"), "application/x-ndjson"),
            **problems((400, 401, 403, 404, 413, 415, 422, 429, 500, 503)),
        },
    }


def _acceptance(document: Document) -> Json:
    return {
        "operationId": "invitations_accept",
        "tags": ["tenancy"],
        "summary": "Join with the token of an invitation",
        "security": [],
        "parameters": shared(("IdempotencyKey", "Version", "RequestId")),
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": document.schema(Acceptance)}},
        },
        "responses": {"200": answer("Joined.", ref("Outcome")), **problems(WRITE_STATUSES)},
    }


def _links(document: Document) -> Json:
    addressee = {"name": "id", "in": "path", "required": True, "schema": _UUID}
    told = reading(
        "audience_addressee_links",
        "What a sender puts into a message, so that its reader can stop it",
        Permission.SENDING_AUTHORISE,
        [addressee, *document.parameters(AboutLinks), *shared(("MinPosition",))],
        single(ref("Links")),
    )
    told["description"] = (
        "Values of the two headers of RFC 8058, and the address of the person's page for the text. With "
        "`request`, the version of the event that asked for a confirmation, also the address of that confirmation's "
        "page, which needs `consent.write` as well."
    )
    told["responses"] |= problems((409,))
    return told


def _certificate() -> Json:
    addressee = {"name": "id", "in": "path", "required": True, "schema": _UUID}
    told = reading(
        "audience_erasure_certificate",
        "A certificate of an erasure in words; not found until there is one",
        CERTIFICATES,
        [addressee],
        {},
    )
    told["responses"]["200"] = answer("What became of each store, and what is kept.", _TEXT, "text/plain")
    return told
