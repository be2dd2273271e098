"""The doors of imports that are no commands: the file comes in; its preview, progress and rejected rows go out."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from api.http.asking import Asked, Desk
from api.http.commands import order_of, outcome_of
from api.http.kinds import BODY_TOO_LARGE, LOG_UNAVAILABLE, NOT_FOUND, PARAMETER_INVALID
from api.http.problems import Problem, bad_parameter, invalid_body
from api.http.received import BARE, FORM, FileInBody
from api.http.replies import ALWAYS
from api.http.request import must_be, read_body, stream_body, uuid_in
from application.batch import words_of
from application.completeness import Completeness, Hidden
from application.importing.service import Upload
from application.ports.aside import WorkerLost
from application.ports.blobs import BlobTooLarge
from application.ports.positions import Position
from application.rate_limits import COMMANDS_BUCKET
from domain.access.reads import ReadKind
from domain.audience.contact_import import REJECTED_KEPT
from domain.audience.import_commands import RegisterImport
from domain.audience.intake import FileKind, Mapping
from domain.kernel.errors import NotFound
from domain.kernel.ids import WorkspaceId
from domain.kernel.permissions import Permission

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from uuid import UUID

    from starlette.requests import Request

    from application.importing.reading import Look
    from application.importing.service import Rehearsal
    from application.orders import Order
    from application.principals import Principal
    from domain.audience.contact_import import Import
    from domain.kernel.commands import Command

ACCEPTED: Final = (*BARE, FORM)
TAKEN: Final = ("workspace_id", "kind", "encoding", "delimiter")
_JSON: Final = b"application/json"
_LOST: Final = "The process that read the file was lost. Send the same request again."


class Uploads(Desk):
    """Takes files in and tells of them."""

    def routes(self) -> list[Route]:
        """Upload, progress, preview, error file."""
        return [
            Route("/v1/audience/imports", self.upload, methods=["POST"]),
            Route("/v1/audience/imports/{id}/progress", self.progress, methods=["GET"]),
            Route("/v1/audience/imports/{id}/preview", self.preview, methods=["POST"]),
            Route("/v1/audience/imports/{id}/errors", self.errors, methods=["GET"]),
        ]

    async def upload(self, request: Request) -> Response:
        """Register an import of the file in the body, and look into it."""
        asked = await self.asked(request, "audience.register-import", TAKEN)
        call, principal, given = asked.call, asked.principal, asked.given
        principal.require(RegisterImport.permission)
        asked.allowance = await self.parts.rates.take(
            principal.tenant_id, principal.rate_per_minute, COMMANDS_BUCKET
        )
        workspace_id = uuid_in(given.pop("workspace_id", ""))
        if workspace_id is None:
            raise bad_parameter("workspace_id", "Name the workspace that the contacts go to, by its id.")
        kind = _kind(given.pop("kind", FileKind.CONTACTS.value))
        limit = self.parts.settings.max_upload_bytes
        if call.content_length is not None and call.content_length.isdigit():
            _check_length(int(call.content_length[:20]), limit)
        try:
            reading = Mapping.model_validate(given)
            file = FileInBody(call, stream_body(request.receive, limit))
            await file.begun()
            upload = Upload(
                principal=principal,
                workspace_id=WorkspaceId(workspace_id),
                file_name=file.name,
                chunks=file.chunks(),
                limit=limit,
                key=call.idempotency_key,
                encoding=reading.encoding,
                delimiter=reading.delimiter,
                kind=kind,
                template=lambda command, target, body: self._order(asked, command, target, body),
            )
            uploaded = await self.parts.imports.upload(upload)
        except BlobTooLarge:
            raise _too_large(limit) from None
        except ValidationError as error:
            raise _of_parameters(error) from None
        except WorkerLost:
            raise Problem(LOG_UNAVAILABLE, _LOST) from None
        position = await self.parts.position_of(principal.tenant_id)
        told = {"position": position, "status": uploaded.state.status, "file": shown_look(uploaded.look)}
        headers = {"idempotent-replayed": "true"} if uploaded.outcome.replayed else {}
        content = {**outcome_of(uploaded.outcome), **told}
        return self.answer(asked, content, position, status=201, headers=headers)

    def _order(self, asked: Asked, command: Command, target: UUID, body: bytes) -> Order:
        return order_of(asked.call, self.parts.callers, asked.principal, command, target, body)

    async def progress(self, request: Request) -> Response:
        """Where an import stands, from the log itself."""
        asked = await self.asked(request, "audience.import_progress")
        position = await self.parts.position_of(asked.principal.tenant_id)
        state = await self._import(request, asked, Permission.CONTACTS_READ)
        if asked.principal.staff:
            await self._traced(asked, "audience.import_progress", ReadKind.STAFF, position, 1, state)
        return self.answer(asked, await self._told(asked, shown(state), position), position)

    async def preview(self, request: Request) -> Response:
        """What the import would do, under the mapping in the body; nothing is changed."""
        asked = await self.asked(request, "audience.import_preview")
        state = await self._import(request, asked, Permission.CONTACTS_IMPORT)
        mapping = await self._mapping(request, asked)
        tenant_id = asked.principal.tenant_id
        position = await self.parts.position_of(tenant_id)
        try:
            found = await self.parts.imports.preview(tenant_id, state.import_id, mapping)
        except WorkerLost:
            raise Problem(LOG_UNAVAILABLE, _LOST) from None
        personal = _may(asked.principal, Permission.CONTACTS_READ_PERSONAL, state)
        cells = bool(found.preview.shown_as) and personal
        if cells or asked.principal.staff:
            rows = len(found.preview.shown_as)
            await self._traced(asked, "audience.import_preview", ReadKind.PERSONAL, position, rows, state)
        return self.answer(
            asked, await self._told(asked, shown_preview(found, cells=cells), position), position
        )

    async def _told(self, asked: Asked, data: dict[str, Any], position: str) -> dict[str, Any]:
        as_of = await self.as_of(asked.principal.tenant_id, Position.parse(position))
        return {"data": data, "position": position, "as_of": as_of}

    async def _mapping(self, request: Request, asked: Asked) -> Mapping | None:
        body = await read_body(asked.call, request.receive, self.parts.settings.max_body_bytes)
        if not body:
            return None
        must_be(asked.call, _JSON)
        try:
            return Mapping.model_validate_json(body)
        except ValidationError as error:
            raise invalid_body(error) from None

    async def errors(self, request: Request) -> Response:
        """The rejected rows, as many as are kept, as a CSV file, ready to correct and to upload again."""
        asked = await self.asked(request, "audience.import_errors")
        state = await self._import(request, asked, Permission.CONTACTS_IMPORT)
        asked.principal.require(Permission.CONTACTS_READ_PERSONAL)
        if not _may(asked.principal, Permission.CONTACTS_READ_PERSONAL, state):
            raise NotFound
        tenant_id = asked.principal.tenant_id
        position = await self.parts.position_of(tenant_id)
        lines = await self.parts.imports.error_file(tenant_id, state.import_id)
        rows, at = state.rejected_kept, Position.parse(position)
        lost = state.tally.rejected - rows
        hidden = (Hidden("rejected-rows-kept", str(REJECTED_KEPT), lost),) if lost else ()
        made = Completeness(tenant_id, at, rows, await self.signed(asked, at), hidden, not lost)
        filters = {"import_id": str(state.import_id)}
        headers = {
            **await self.exported(asked, "audience.import_errors", made, filters=filters),
            "content-disposition": f'attachment; filename="import-{state.import_id}-errors.csv"',
            # Not as a line of the file: it comes back, corrected, and the line would be a row of it.
            "penguin-truncated": str(not made.whole).lower(),
            **{name.decode(): value.decode() for name, value in ALWAYS},
        }
        return StreamingResponse(_pieces(lines), headers=headers, media_type="text/csv; charset=utf-8")

    async def _import(self, request: Request, asked: Asked, permission: Permission) -> Import:
        """The import that is asked for, where the caller may see it."""
        asked.principal.require(permission)
        import_id = uuid_in(request.path_params["id"])
        if import_id is None:
            raise Problem(NOT_FOUND)
        state = await self.parts.imports.existing(asked.principal.tenant_id, import_id)
        if not _may(asked.principal, permission, state):
            raise NotFound
        return state

    async def _traced(
        self, asked: Asked, query: str, kind: ReadKind, position: str, rows: int, state: Import
    ) -> None:
        filters = {"import_id": str(state.import_id)}
        await self.trace(asked, query, kind, position=position, rows=rows, filters=filters)


def shown(state: Import) -> dict[str, Any]:
    """An import as it is told: nothing of its rows."""
    tally, undone = state.tally, state.undone
    return {
        "id": state.import_id,
        "workspace_id": state.workspace_id,
        "kind": state.kind,
        "status": state.status,
        "size": state.size,
        "encoding": state.encoding,
        "delimiter": state.delimiter,
        "columns": state.columns,
        "mapping": None if state.mapping is None else state.mapping.model_dump(mode="json"),
        "list_id": state.list_id,
        "rows": state.rows,
        "rows_done": state.last_row,
        "imported": tally.imported,
        "updated": tally.updated,
        "skipped": tally.skipped,
        "rejected": tally.rejected,
        "rejected_kept": state.rejected_kept,
        "problems": dict(state.problems),
        "warnings": dict(state.warnings),
        "undone": {"removed": undone.removed, "restored": undone.restored, "kept": undone.kept},
        "failure": state.failure,
        "remedy": state.remedy,
        "idle_until": state.idle_until,
        "files_until": state.files_until,
        "files_destroyed": state.files_destroyed,
    }


def shown_look(look: Look | None) -> dict[str, Any] | None:
    """How a file reads; None once its files are gone."""
    if look is None:
        return None
    return {
        "encoding": look.encoding,
        "encoding_found": look.encoding_found,
        "delimiter": look.delimiter,
        "delimiter_found": look.delimiter_found,
        "rows": look.rows,
        "blank_lines": look.blank_lines,
        "columns": [
            {
                "column": guess.column,
                "target": guess.target,
                "confidence": guess.confidence,
                "reason": guess.reason,
            }
            for guess in look.columns
        ],
    }


def shown_preview(found: Rehearsal, *, cells: bool) -> dict[str, Any]:
    """A preview as it is told. `cells`: with cells of the file, where they are needed to see how it is encoded."""
    preview = found.preview.model_dump(mode="json")
    if not cells:
        preview["shown_as"] = []
    return {"state": found.preview.state, "outcomes": found.outcomes, "known": found.known, **preview}


def _may(principal: Principal, permission: Permission, state: Import) -> bool:
    within = principal.confined_to(permission)
    return within is None or state.workspace_id in within


def _kind(text: str) -> FileKind:
    try:
        return FileKind(text)
    except ValueError:
        raise bad_parameter("kind", "Say contacts or suppressions.") from None


def _check_length(length: int, limit: int) -> None:
    if length > limit:
        raise _too_large(limit)


def _too_large(limit: int) -> Problem:
    return Problem(BODY_TOO_LARGE, extra={"limit": limit}, headers={"connection": "close"})


async def _pieces(lines: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Pieces of a file that is read in a thread."""
    while (piece := await asyncio.to_thread(next, lines, None)) is not None:
        yield piece


def _of_parameters(error: ValidationError) -> Problem:
    """The command's faults are those of the parameters and headers it was made from."""
    errors = [
        {"parameter": str(one["loc"][0]) if one["loc"] else "", "code": one["type"], "detail": words_of(one)}
        for one in error.errors(include_input=False, include_url=False, include_context=False)
    ]
    return Problem(PARAMETER_INVALID, errors=errors)
