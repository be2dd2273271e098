"""The routes by which files come in and go out, as the OpenAPI document shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from api.http import received, suppressions
from api.http.answer_headers import headers_of
from api.http.completeness_shapes import certified
from api.http.shapes import WRITE_STATUSES, answer, parameter, problems, reading, shared, single
from api.http.shaping import Json, ref
from application.exporting import Written
from domain.audience.contact_import import REJECTED_KEPT
from domain.audience.intake import FileKind, Mapping
from domain.kernel.permissions import Permission

if TYPE_CHECKING:
    from collections.abc import Iterable

    from api.http.openapi import Document

_TEXT: Final[Json] = {"type": "string"}
_UUID: Final[Json] = {"type": "string", "format": "uuid"}


def import_paths(document: Document) -> Json:
    """Upload, progress, preview, and the rejected rows."""
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
        "description": "The file as it is, or as the one file of a form. "
        f"Also taken: {also_taken(received.BARE, files)}.",
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
    certified(errors)
    return {
        "/v1/audience/imports": {"post": upload},
        "/v1/audience/imports/{id}/progress": {"get": progress},
        "/v1/audience/imports/{id}/preview": {"post": preview},
        "/v1/audience/imports/{id}/errors": {"get": errors},
    }


def suppressions_read() -> Json:
    """The suppression list, as it goes out."""
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
    return certified(told)


def also_taken(accepted: Iterable[bytes], told: Json) -> str:
    """Media types that say the same as those that are told; a client needs one of them."""
    return ", ".join(media.decode() for media in accepted if media.decode() not in told)
