"""The key-encryption keys of tenants: the file `keks.json`, wrapped with the master key.

Three layers, each opening the next: the *master key* (file `master.key`, 0600, or the environment), a *key-encryption
key* per tenant, numbered from 1, and what it wraps. All are AES-256-GCM, and bound to the tenant.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import secrets
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

if TYPE_CHECKING:
    from collections.abc import Callable, Container
    from pathlib import Path

NONCE: Final = 12
KEY: Final = 32
WRAPPED: Final = NONCE + KEY + 16
"""Bytes of a wrapped key: nonce, key, tag."""


class KekFile:
    """The key-encryption keys of one installation. Tenants are given by the 16 bytes of their id.

    Every method raises what the file, its JSON or the cipher raises; `KeyError` for a key that is not there (any more).
    """

    def __init__(self, folder: Path, master_key: bytes | None = None) -> None:
        """Keep the file in `folder`. `master_key`: 32 bytes, else the file `master.key` there, made if missing."""
        self._folder = folder
        self._master = AESGCM(master_key or _secret_file(folder / "master.key"))
        self._ciphers: dict[tuple[bytes, int], AESGCM] = {}
        self._seen: tuple[tuple[int, int, int], dict[str, dict[str, str]]] = ((0, 0, 0), {})

    def wrap(self, tenant: bytes, number: int, key: bytes) -> bytes:
        """A key, wrapped with this one of the tenant's."""
        nonce = secrets.token_bytes(NONCE)
        return nonce + self.cipher(tenant, number).encrypt(nonce, key, tenant)

    def unwrap(self, tenant: bytes, number: int, wrapped: bytes) -> bytes:
        """The key again."""
        return self.cipher(tenant, number).decrypt(wrapped[:NONCE], wrapped[NONCE:], tenant)

    def cipher(self, tenant: bytes, number: int) -> AESGCM:
        """One of the tenant's keys."""
        known = self._ciphers.get((tenant, number))
        if known is None:
            wrapped = base64.b64decode(self._load()[tenant.hex()][str(number)])
            known = AESGCM(self._master.decrypt(wrapped[:NONCE], wrapped[NONCE:], tenant))
            self._ciphers[tenant, number] = known
        return known

    def numbers(self, tenant: bytes) -> set[int]:
        """Those that the tenant has: more than one while a rotation is under way."""
        return set(map(int, self._load().get(tenant.hex(), ())))

    def latest(self, tenant: bytes) -> int:
        """The tenant's newest, made where there is none; to be looked up inside each transaction that seals with it.

        What another process has rotated away must not seal anything more. A rotation holds the write transaction while
        it adds its key, so none can come between this look and the commit.
        """
        return max(self.numbers(tenant), default=0) or self._new(tenant, only_first=True)

    def add(self, tenant: bytes) -> int:
        """A new one, beside the others."""
        return self._new(tenant)

    def with_two(self, but: Container[bytes] = ()) -> bytes | None:
        """A tenant that has more than one, and is none of `but`."""
        for tenant, keks in self._load().items():
            if len(keks) > 1 and (owner := bytes.fromhex(tenant)) not in but:
                return owner
        return None

    def forget_before(self, tenant: bytes, number: int) -> None:
        """Drop the tenant's keys that are older than this one."""
        self._edit(tenant, lambda keks: [keks.pop(old) for old in list(keks) if int(old) < number])
        for known in [known for known in list(self._ciphers) if known[0] == tenant and known[1] < number]:
            self._ciphers.pop(known, None)

    def end(self, tenant: bytes) -> None:
        """Drop all of a tenant's: nothing that they wrapped opens any more."""
        if self.numbers(tenant):
            self._edit(tenant, dict.clear)
        for known in [known for known in list(self._ciphers) if known[0] == tenant]:
            self._ciphers.pop(known, None)

    def _new(self, tenant: bytes, *, only_first: bool = False) -> int:
        def add(keks: dict[str, str]) -> None:
            if keks and only_first:
                return
            nonce = secrets.token_bytes(NONCE)
            wrapped = nonce + self._master.encrypt(nonce, secrets.token_bytes(KEY), tenant)
            keks[str(max(map(int, keks), default=0) + 1)] = base64.b64encode(wrapped).decode()

        return max(map(int, self._edit(tenant, add)))

    def _load(self) -> dict[str, dict[str, str]]:
        """All tenants' entries; parsed anew when the file was replaced, for it grows with the number of tenants."""
        try:
            with (self._folder / "keks.json").open("rb") as file:
                told = os.fstat(file.fileno())
                state = told.st_ino, told.st_mtime_ns, told.st_size
                if state != self._seen[0]:
                    self._seen = state, json.loads(file.read())
        except FileNotFoundError:
            return {}
        return self._seen[1]

    def _edit(self, tenant: bytes, edit: Callable[[dict[str, str]], object]) -> dict[str, str]:
        """Change one tenant's entry under a file lock; the file is replaced whole, after it is on disk."""
        with (self._folder / "keks.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            known = self._load()
            keks = dict(known.get(tenant.hex(), {}))
            edit(keks)
            content = {**known, tenant.hex(): keks}
            fresh = self._folder / "keks.json.new"
            with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:  # noqa: PTH123 - the mode matters
                json.dump(content, file)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._folder / "keks.json")
            sync_folder(self._folder)
        return keks


def _secret_file(path: Path) -> bytes:
    """32 random bytes kept in a 0600 file, made once even when two processes start together."""
    if not path.exists():
        making = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        with open(os.open(making, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123 - the mode matters
            file.write(secrets.token_bytes(KEY))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):  # another process was first, and its file is whole
            os.link(making, path)
        making.unlink()
        sync_folder(path.parent)
    return path.read_bytes()


def sync_folder(folder: Path) -> None:
    """Put on the disk which files are in it."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
