"""The manifest of a backup: what is in it, and the hash of each file. `docs/operations.md` describes both kinds."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from adapters.backup.errors import BackupNewer, NoBackup, OtherKind
from adapters.backup.tables import Log

if TYPE_CHECKING:
    from pathlib import Path

NAME: Final = "manifest.json"
FORMAT: Final = 1
"""Raised with every change of what is in a backup."""

Count = Annotated[int, Field(ge=0)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.]*$")]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Kept(_Model):
    """One file of a backup, as it was written."""

    name: Name
    bytes: Count
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Table(Kept):
    """The rows of one table: Postgres's binary COPY of these columns, gzipped."""

    table: str
    columns: tuple[str, ...]
    rows: Count


class Blobs(Kept):
    """The sealed files, as a tar."""

    files: Count


class LogHead(_Model):
    """Where one log stood."""

    tenant_id: UUID
    log: Log
    epoch: int
    position: Count


class Events(_Model):
    """Of a backup of events. `revision` is that of the schema, `logs` are their heads as of the snapshot."""

    kind: Literal["events"] = "events"
    format: Literal[1] = FORMAT
    taken_at: AwareDatetime
    revision: str
    server: str
    tables: tuple[Table, ...]
    blobs: Blobs
    logs: tuple[LogHead, ...]


class Keys(_Model):
    """Of a backup of keys."""

    kind: Literal["keys"] = "keys"
    format: Literal[1] = FORMAT
    taken_at: AwareDatetime
    files: tuple[Kept, ...]


class _Kind(BaseModel):
    """What is read first, of whatever version."""

    kind: Literal["events", "keys"]
    format: int


Kind = TypeVar("Kind", Events, Keys)


def kind_of(folder: Path) -> Literal["events", "keys"]:
    """Which kind of backup is in a folder. Raises `NoBackup`, `BackupNewer`."""
    return _read(folder)[0].kind


def read(folder: Path, kind: type[Kind]) -> Kind:
    """The manifest of a backup. Raises `NoBackup`, `BackupNewer`, `OtherKind`."""
    told, content = _read(folder)
    if told.kind != kind.model_fields["kind"].default:
        raise OtherKind(f"{folder} is a backup of {told.kind}.")
    try:
        return kind.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise NoBackup(f"{folder / NAME} is not one of ours: {where}: {first['msg']}.") from None


def fingerprint(folder: Path) -> str:
    """The hash of a manifest, and so of all that it names."""
    return hashlib.sha256((folder / NAME).read_bytes()).hexdigest()


def write(folder: Path, manifest: Events | Keys) -> None:
    """Put the manifest on the disk: the last file of a backup."""
    content = manifest.model_dump_json(indent=1).encode() + b"\n"
    with os.fdopen(os.open(folder / NAME, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _read(folder: Path) -> tuple[_Kind, bytes]:
    try:
        content = (folder / NAME).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise NoBackup(f"There is no {NAME} in {folder}.") from None
    try:
        told = _Kind.model_validate_json(content)
    except ValidationError:
        raise NoBackup(f"{folder / NAME} cannot be read: it was cut off or altered.") from None
    if told.format > FORMAT:
        raise BackupNewer(f"{folder} has format {told.format}, and {FORMAT} is known here.")
    return told, content
