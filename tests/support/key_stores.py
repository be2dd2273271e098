"""Keys to ask a store for, and the store as a process finds it that starts now."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID, uuid4

from adapters.keys.sqlite import SqliteKeyStore
from application.ports.keys import SubjectKey
from domain.kernel.personal import KeyKind

TENANT = UUID("0198c0de-0000-7000-8000-000000000001")


def subject(kind: KeyKind = KeyKind.PROFILE, tenant: UUID = TENANT) -> SubjectKey:
    return tenant, str(uuid4()), kind


def reopened(folder: Path, wanted: list[SubjectKey]) -> dict[SubjectKey, bytes]:
    """What a process that starts now finds."""
    fresh = SqliteKeyStore(folder)
    try:
        return dict(fresh.find(wanted))
    finally:
        fresh.close()


class PowerCut(BaseException):
    """The process ends here."""
