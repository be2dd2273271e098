"""The key store: subject keys, apart from the events' database and its backups.

Two keys per data subject (`domain.kernel.personal.KeyKind`), and keys of objects that expire whole (an import's files).
Destroying a key is what erasure means here; it is final and survives a restart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime
    from uuid import UUID

    from domain.kernel.personal import KeyKind

SubjectKey = tuple["UUID", str, "KeyKind"]
"""(tenant, subject id, kind)."""


class KeysUnavailable(Exception):
    """The key store cannot be read or written just now: its disk, its files or its own keys are amiss. Try again.

    The machine's fault, never that of what was to be sealed or opened.
    """


class KeyStoreAway(KeysUnavailable):
    """The store as a whole cannot be reached: its disk, or another process that does not let go of it."""


class RotationIncomplete(KeysUnavailable):
    """Some tenants' keys cannot be read, so theirs were not rotated. All others' were; the next call tries again."""

    def __init__(self, rotated: Iterable[UUID], failed: Iterable[UUID]) -> None:
        """Name the tenants of either kind."""
        self.rotated, self.failed = tuple(rotated), tuple(failed)
        super().__init__(f"keys of {len(self.failed)} tenants cannot be read")


class KeyStore(Protocol):
    """Make, find and destroy keys of 32 random bytes. Every method may raise `KeysUnavailable`."""

    def obtain(self, keys: Iterable[SubjectKey]) -> Mapping[SubjectKey, bytes]:
        """The keys, made and durable where there were none. A destroyed key is never made again: it is left out."""

    def find(self, keys: Iterable[SubjectKey]) -> Mapping[SubjectKey, bytes]:
        """The keys that are there; destroyed and unknown ones are left out."""

    def destroy(self, keys: Iterable[SubjectKey]) -> int:
        """Destroy keys for ever; how many there were. A destroyed key leaves a mark without content."""

    def destroy_tenant(self, tenant_id: UUID) -> int:
        """Destroy every key of a tenant for ever, with those that wrap them and its pseudonym keys; how many.

        For a tenant whose log is deleted: nothing is sealed for it any more.
        """

    def rotate_due(
        self, destroyed_before: datetime, stopping: Callable[[], bool] = lambda: False
    ) -> list[UUID]:
        """Make copies of destroyed keys unreadable, those in backups of the store too; for which tenants.

        A tenant is due when a key of it was destroyed before that moment and not rotated away since: so whoever asks
        with the moment a day ago rotates each once a day at most. Live keys stay, whatever interrupts it, and the next
        call goes on from there. It may take minutes for a tenant of millions of keys: others read and write meanwhile,
        and it ends soon after `stopping()` turns true. Raises `RotationIncomplete`, after all that could be done.
        """

    def hmac_keys(self, tenant_id: UUID) -> list[bytes]:
        """The tenant's live pseudonym keys, the current one first; made on first use."""

    def generation(self) -> int:
        """A number that changes whenever any key is destroyed: caches of keys and of plaintext check it."""
