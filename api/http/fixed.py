"""The routes that come from no registry, as the OpenAPI document shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from api.http import batches, people, received, suppressions
from api.http.answer_headers import headers_of
from api.http.audience import Asked as PreviewAsked
from api.http.certificates import PERMISSION as CERTIFICATES
from api.http.disclosures import AsForm
from api.http.doors import FORM, ONE_CLICK, PARTS
from api.http.fixed_law import law_paths
from api.http.invitations import Acceptance
from api.http.links import AboutLinks
from api.http.shapes import (
    WRITE_STATUSES,
    Json,
    answer,
    page_of,
    parameter,
    problems,
    reading,
    ref,
    shared,
    single,
    without_null,
)
from application.exporting import Written
from application.replay import HistoryFilters
from domain.audience.contact_import import REJECTED_KEPT
from domain.audience.intake import FileKind, Mapping
from domain.kernel.permissions import Permission
from projections.olap.reports import REPORTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from api.http.openapi import Document

_TEXT: Final[Json] = {"type": "string"}
_UUID: Final[Json] = {"type": "string", "format": "uuid"}
_STREAM: Final = parameter("stream", "The stream, as `category:id`.", _TEXT, needed=True)


def fixed_paths(document: Document) -> Json:
    """Paths with their operations."""
    return {
        **_history(document),
        **_preview(document),
        **law_paths(document),
        **_reports(),
        **_imports(document),
        "/v1/audience/suppressions/export": {"get": _suppressions()},
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
        **_doors(),
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


def _disclosure(document: Document) -> Json:
    shown = reading(
        "rights_disclosure",
        "What is held of the person a request is about",
        Permission.REQUESTS_HANDLE,
        [{"name": "id", "in": "path", "required": True, "schema": _UUID}, *document.parameters(AsForm)],
        ref("Disclosure"),
    )
    shown["description"] = (
        "For access and portability, once the identity check is done. It takes the permissions to read personal values "
        "and evidence too. Hand it to the person, then enter its SHA-256 with record-disclosure: the `etag` has it."
    )
    shown["responses"]["200"]["content"]["text/html"] = {"schema": {"type": "string"}}
    return shown


def _history(document: Document) -> Json:
    filters = document.parameters(HistoryFilters)
    for one in filters:
        if one["schema"].get("type") == "array":
            one |= {"style": "form", "explode": False}
    direction = parameter(
        "direction",
        "From the first event on, or from the last one back.",
        {"type": "string", "enum": ["forward", "backward"]},
    )
    at = {"type": "string", "description": "A position token, or a moment with its offset."}
    allowed = Permission.HISTORY_READ
    page = page_of(
        ref("HistoryEvent"), looked_at={"type": "integer", "description": "Events looked at for this page."}
    )
    return {
        "/v1/history": {
            "get": reading(
                "history_events",
                "What happened, in order",
                allowed,
                [*filters, direction, *shared(("Cursor", "Limit"))],
                page,
            )
        },
        "/v1/access": {
            "get": reading(
                "access_reads",
                "Who read what: personal values, exports, and everything that staff read",
                Permission.ACCESS_READ,
                [*filters, direction, *shared(("Cursor", "Limit"))],
                page,
            )
        },
        "/v1/history/state": {
            "get": reading(
                "history_state",
                "What a stream was, as of a position or a moment",
                allowed,
                [_STREAM, parameter("at", "As of when; now unless given.", at)],
                single(ref("StreamState")),
            )
        },
        "/v1/history/difference": {
            "get": reading(
                "history_difference",
                "What changed in a stream between two moments, field by field",
                allowed,
                [
                    _STREAM,
                    parameter("from", "The earlier one.", at, needed=True),
                    parameter("to", "The later one; now unless given.", at),
                ],
                single(ref("Difference")),
            )
        },
    }


def _reports() -> Json:
    allowed = Permission.REPORTS_READ
    paths: Json = {
        "/v1/reports": {
            "get": reading("reports_list", "The reports there are", allowed, [], page_of(ref("ReportInfo")))
        }
    }
    for name, report in REPORTS.items():
        own = [
            parameter(field, shape.get("description", field), without_null(shape))
            for field, shape in report.info.parameters.get("properties", {}).items()
        ]
        as_csv = [
            parameter("format", "JSON unless told otherwise.", {"type": "string", "enum": ["json", "csv"]}),
            parameter(
                "delimiter",
                "CSV: between the cells.",
                {"type": "string", "enum": ["comma", "semicolon", "tab"]},
            ),
            parameter(
                "bom",
                "CSV: begin with a byte order mark, as Excel likes it.",
                {"type": "string", "enum": ["true", "false"]},
            ),
        ]
        shape = page_of(
            {"type": "object"},
            report={"const": name},
            columns={"type": "array", "items": _TEXT},
            truncated={"type": "boolean"},
        )
        waits = shared(("MinPosition",))
        made = reading(f"reports_{name}", report.info.title, allowed, [*own, *as_csv, *waits], shape)
        made["description"] = report.info.about
        made["responses"]["200"]["content"]["text/csv"] = {"schema": _TEXT}
        made["responses"]["406"] = {"$ref": "#/components/responses/Problem406"}
        cells = [
            parameter(f"cell.{column.name}", column.about, _TEXT)
            for column in report.info.columns
            if column.kind == "dimension"
        ]
        after = parameter(
            "after", "`next` of the answer before.", {"type": "string", "pattern": "^[0-9]{1,18}$"}
        )
        events = reading(
            f"reports_{name}_events",
            f"The events behind one row of: {report.info.title}",
            allowed,
            [*own, *cells, after, *shared(("Limit", "MinPosition"))],
            page_of(ref("EventBehind")),
        )
        paths |= {f"/v1/reports/{name}": {"get": made}, f"/v1/reports/{name}/events": {"get": events}}
    return paths


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
        f"Also taken: {_also(batches.ACCEPTED, lines)}.",
        "parameters": shared(("DryRunHeader", "DryRun", "Reason", "Tenant", "Version", "RequestId")),
        "requestBody": {"required": True, "content": lines},
        "responses": {
            "200": answer("One answer a line.", ref("BatchAnswer"), "application/x-ndjson"),
            **problems((400, 401, 403, 404, 413, 415, 422, 429, 500, 503)),
        },
    }


def _also(accepted: Iterable[bytes], told: Json) -> str:
    """Media types that say the same as those that are told; a client needs one of them."""
    return ", ".join(media.decode() for media in accepted if media.decode() not in told)


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


def _imports(document: Document) -> Json:
    import_id = {"name": "id", "in": "path", "required": True, "schema": _UUID}
    allowed = Permission.CONTACTS_IMPORT
    file = {"type": "string", "format": "binary"}
    form = {"type": "object", "properties": {"file": file}, "required": ["file"]}
    files: Json = {media: {"schema": file} for media in ("text/csv", "application/octet-stream")}
    files[received.FORM.decode()] = {"schema": form}
    name = {
        "name": "Penguin-File-Name",
        "in": "header",
        "required": False,
        "description": "The file's name, where the body is the file itself.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,100}$"},
    }
    upload: Json = {
        "operationId": "audience_register_import",
        "tags": ["audience"],
        "summary": "Upload a file of contacts, or a suppression list; it starts with `start-import`",
        "description": f"The file as it is, or as the one file of a form. Also taken: {_also(received.BARE, files)}.",
        "x-permission": allowed.value,
        "parameters": [
            parameter("workspace_id", "Where the contacts go; who may see the import.", _UUID, needed=True),
            parameter(
                "kind",
                "What it is a list of; contacts unless given.",
                {"enum": [one.value for one in FileKind]},
            ),
            parameter("encoding", "Where it is known; guessed otherwise.", _TEXT),
            parameter("delimiter", "Where it is known; guessed otherwise.", _TEXT),
            name,
            *shared(("IdempotencyKey", "IfMatch", "Reason", "Version", "RequestId")),
        ],
        "requestBody": {"required": True, "content": files},
        "responses": {"201": answer("Registered.", ref("Upload")), **problems(WRITE_STATUSES)},
    }
    upload["responses"]["201"]["headers"] |= headers_of(("IdempotentReplayed",))
    preview = reading(
        "audience_import_preview",
        "What the import would do with every row; nothing is changed",
        allowed,
        [import_id],
        single({"type": "object"}),
    )
    preview["requestBody"] = {
        "required": False,
        "content": {"application/json": {"schema": document.schema(Mapping)}},
    }
    preview["responses"] |= problems((409, 413, 415))
    progress = reading(
        "audience_import_progress",
        "Where an import stands",
        Permission.CONTACTS_READ,
        [import_id],
        single(ref("Import")),
    )
    errors = reading(
        "audience_import_errors",
        "The rejected rows, ready to correct",
        Permission.CONTACTS_IMPORT,
        [import_id],
        {},
    )
    about = (
        f"The first {REJECTED_KEPT:,} rejected rows, with row, column, code and remedy. "
        "`Penguin-Truncated` is `true` where there were more."
    )
    errors["responses"]["200"] = answer(about, _TEXT, "text/csv")
    return {
        "/v1/audience/imports": {"post": upload},
        "/v1/audience/imports/{id}/progress": {"get": progress},
        "/v1/audience/imports/{id}/preview": {"post": preview},
        "/v1/audience/imports/{id}/errors": {"get": errors},
    }


def _suppressions() -> Json:
    written = {"type": "string", "enum": [one.value for one in Written]}
    told = reading(
        "audience_export_suppressions",
        "Every suppressed address of the tenant, as a CSV file",
        suppressions.NEEDED[0],
        [parameter("as", "How addresses are written; as they are unless given.", written)],
        {},
    )
    told["parameters"] += shared(("MinPosition",))
    told["description"] = (
        "Columns: the address or its hash (of the address in lower case), the hash's algorithm, kind, scope, within, "
        "since, and the position of the entry. The last line begins with `#` and counts what is not in the file; "
        "without it the file is not whole. Needs `contacts.read_personal` as well, and both in the whole tenant."
    )
    told["responses"]["200"] = answer("The list, as of `Penguin-Position`.", _TEXT, "text/csv")
    return told


def _doors() -> Json:
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


def _links(document: Document) -> Json:
    addressee = {"name": "id", "in": "path", "required": True, "schema": _UUID}
    told = reading(
        "audience_addressee_links",
        "What a sender puts into a message, so that its reader can stop it",
        Permission.SENDING_AUTHORISE,
        [addressee, *document.parameters(AboutLinks)],
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
