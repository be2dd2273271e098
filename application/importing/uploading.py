"""A file on its way in: kept sealed, registered in the log, read to its end. All of it is there, or nothing."""

from __future__ import annotations

import hashlib
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from application.confining import NeedsWholeTenant
from application.importing.files import FILE, FilesGone, at_hand
from application.importing.reading import LookInto
from application.ports.blobs import BlobMissing, BlobTooLarge, Stored
from application.workflow import Because, Workflow
from domain.audience.contact_import import Import, ImportStatus
from domain.audience.import_commands import FailImport, MarkImportReady, RegisterImport
from domain.audience.intake import FileKind, FileRefused
from domain.kernel.errors import NotFound
from domain.kernel.ids import WorkspaceId, derived_id, new_id
from domain.tenancy.workspace import usable

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable
    from uuid import UUID

    from application.commanding import Commands
    from application.importing.reading import Look
    from application.orders import Order, Outcome
    from application.ports.aside import Aside
    from application.ports.blobs import BlobStore
    from application.principals import Principal
    from domain.kernel.commands import Command

_LARGE: Final = 1_000_000
_TO_COME: Final = "0" * 64


@dataclass(frozen=True, slots=True)
class Upload:
    """A file on its way in. `template` makes the order that registers it, with the caller's key and context.

    `limit` in bytes. `encoding` and `delimiter` are as a mapping has them.
    """

    principal: Principal
    workspace_id: WorkspaceId
    file_name: str
    chunks: AsyncIterable[bytes]
    limit: int
    key: str | None
    encoding: str | None
    delimiter: str | None
    template: Callable[[Command, UUID, bytes], Order]
    kind: FileKind = FileKind.CONTACTS


@dataclass(frozen=True, slots=True)
class Uploaded:
    """The import that a file became; `look` is None when its files are gone by now."""

    outcome: Outcome
    state: Import
    look: Look | None


class Uploads:
    """Takes files in."""

    def __init__(self, commands: Commands, blobs: BlobStore, aside: Aside) -> None:
        """Keep files in `blobs`; read them `aside`."""
        self._commands = commands
        self._blobs = blobs
        self._aside = aside

    async def take(self, upload: Upload) -> Uploaded:
        """Keep the file sealed, register the import, read the file to its end.

        The same key gives the same import. A file that cannot be read ends as a failed import and a `FileRefused`,
        each time it is sent. Raises `pydantic.ValidationError` for a file name that is none, before reading on, and
        `BlobTooLarge`.
        """
        principal = upload.principal
        command = RegisterImport(
            workspace_id=upload.workspace_id,
            file_name=upload.file_name,
            size=0,
            sha256=_TO_COME,
            encoding=upload.encoding,
            delimiter=upload.delimiter,
            kind=upload.kind,
        )
        await self._allowed(principal, upload.workspace_id, upload.kind)
        tenant_id, now = principal.tenant_id, self._commands.clock()
        import_id = new_id(now) if upload.key is None else derived_id(tenant_id, "import", upload.key)
        known = await self._commands.state(tenant_id, "import", import_id)
        if isinstance(known, Import) and known.status is not ImportStatus.REGISTERED:
            # What was taken in stays as it is: what is sent now is only compared with it, by the key's receipt.
            outcome = await self._register(upload, command, await _measured(upload), import_id)
        else:
            try:
                async with self._blobs.staged(tenant_id, import_id, FILE) as staged:
                    stored = await staged.receive(upload.chunks, limit=upload.limit)
                    outcome = await self._register(upload, command, stored, import_id)
                    await staged.keep()
            except BlobMissing:
                raise FilesGone from None
        state: Import = await self._commands.state(tenant_id, "import", import_id)
        look = await self._look_into(upload, state)
        if state.status is ImportStatus.REGISTERED:
            state = await self._commands.state(tenant_id, "import", import_id)
        return Uploaded(outcome, state, look)

    async def _allowed(self, principal: Principal, workspace_id: WorkspaceId, kind: FileKind) -> None:
        """Refuse before a file is taken in for nothing; the command is judged all the same."""
        permission = RegisterImport.permission
        principal.require(permission)
        principal.may_write(permission)
        confined = principal.confined_to(permission)
        if confined is not None and workspace_id not in confined:
            raise NotFound
        if confined is not None and kind is FileKind.SUPPRESSIONS:
            raise NeedsWholeTenant
        usable(await self._commands.state(principal.tenant_id, "workspace", workspace_id))

    async def _register(
        self, upload: Upload, command: RegisterImport, stored: Stored, import_id: UUID
    ) -> Outcome:
        command = command.model_copy(update={"size": stored.size, "sha256": stored.sha256})
        order = upload.template(command, import_id, command.model_dump_json().encode())
        return await self._commands.execute(order)

    async def _look_into(self, upload: Upload, state: Import) -> Look | None:
        """How the file reads; entered, the first time. Raises `FileRefused`, the same each time."""
        tenant_id, import_id = upload.principal.tenant_id, state.import_id
        because = Because(import_id, None, upload.principal.actor.member)
        workflow = Workflow(self._commands, tenant_id, import_id, because)
        first = state.status is ImportStatus.REGISTERED
        try:
            with at_hand():
                file = self._blobs.read(tenant_id, import_id, FILE)
                work = LookInto(file, upload.encoding, upload.delimiter, state.kind)
                async with aclosing(self._aside.stream(work, large=state.size > _LARGE)) as looks:
                    look = await anext(looks)
        except FileRefused as refused:
            if first:
                failed = FailImport(problem=refused.code, remedy=refused.remedy)
                await workflow.execute(failed, import_id, key=f"import/{import_id}/failed")
            refused.extra["import_id"] = import_id
            raise
        except FilesGone:
            if first:
                raise
            return None
        if first:
            ready = MarkImportReady(
                encoding=look.encoding,
                delimiter=look.delimiter,
                columns={guess.column: guess.target for guess in look.columns},
                rows=look.rows,
            )
            await workflow.execute(ready, import_id, key=f"import/{import_id}/ready")
        return look


async def _measured(upload: Upload) -> Stored:
    """Size and hash of a file that is not kept."""
    size, digest = 0, hashlib.sha256()
    async for chunk in upload.chunks:
        size += len(chunk)
        if size > upload.limit:
            raise BlobTooLarge(f"the file has more than {upload.limit} bytes; split it")
        digest.update(chunk)
    return Stored(size, digest.hexdigest())
