"""The key store into a backup and out of it: as it stood at one moment, while everything runs.

The list of destroyed keys is never put back over another: what either names is destroyed.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import quote
from uuid import UUID

from cryptography.exceptions import InvalidTag

from adapters.backup.errors import (
    FileAltered,
    KeysDiffer,
    KeysMissing,
    KeysThere,
    ListUnreadable,
    MasterKeyMissing,
    MasterKeyWrong,
    NoMasterKeyFile,
    NotWritten,
)
from adapters.backup.files import PIECE, Written, pieces, untold
from adapters.backup.manifest import Keys, fingerprint
from adapters.keys.gone import NAME as LIST
from adapters.keys.keks import KekFile, sync_folder
from adapters.keys.notary import FILE as NOTARY
from adapters.keys.sqlite import SqliteKeyStore
from domain.kernel.personal import KeyKind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from adapters.backup.files import Tell
    from adapters.backup.manifest import Kept
    from application.ports.keys import KeyStore, SubjectKey

STORE: Final = "keys.sqlite"
KEKS: Final = "keks.json"
MASTER: Final = "master.key"
_FROM: Final = "restored.json"
_PATIENCE: Final = 30.0
_AT_ONCE: Final = 1_000


def take(keys: Path, folder: Path, *, master_key: bool, tell: Tell = untold) -> Keys:
    """Write the keys into a folder; the manifest is given back, to be written last.

    `master_key`: its file too, which opens all of them. Raises `KeysMissing`, `NoMasterKeyFile`, `NotWritten`.
    """
    if not (keys / STORE).is_file():
        raise KeysMissing(f"There is no key store in {keys}.")
    if master_key and not (keys / MASTER).is_file():
        raise NoMasterKeyFile
    taken_at = datetime.now(UTC)
    try:
        with closing(_connected(keys / STORE)) as reader:
            keks = _snapshot(keys, reader)
            kept = [_copied(reader, folder, STORE, tell), _written(folder, KEKS, keks)]
        # After the store: what is destroyed from then on is in the list, if in nothing else.
        kept.append(_whole_lines(keys / LIST, folder))
        if (keys / NOTARY).is_file():
            with closing(_connected(keys / NOTARY)) as notary:
                kept.append(_copied(notary, folder, NOTARY, tell))
    except sqlite3.Error as error:
        raise NotWritten(f"The key store fails ({error}).") from error
    if master_key:
        kept.append(_written(folder, MASTER, (keys / MASTER).read_bytes()))
    return Keys(taken_at=taken_at, files=tuple(kept))


def check(folder: Path, manifest: Keys, tell: Tell = untold) -> None:
    """See that a backup of keys is whole, without opening any. Raises what is refused of it."""
    for kept in manifest.files:
        for _ in pieces(folder, kept, tell):
            pass
    if not {STORE, KEKS, LIST} <= {kept.name for kept in manifest.files}:
        raise KeysDiffer(f"{folder} has not all of {STORE}, {KEKS} and {LIST}.")
    try:
        keks = json.loads((folder / KEKS).read_bytes())
        # Immutable: else reading would leave files beside it.
        with closing(sqlite3.connect(f"file:{quote(str(folder / STORE))}?immutable=1", uri=True)) as store:
            told = store.execute("PRAGMA quick_check(1)").fetchone()
            if told != ("ok",):
                raise FileAltered(f"{folder / STORE} is damaged.")
            used = store.execute(
                "SELECT DISTINCT tenant, kek FROM keys WHERE wrapped IS NOT NULL"
                " UNION SELECT DISTINCT tenant, kek FROM pseudonym_keys"
            ).fetchall()
    except (sqlite3.Error, ValueError) as error:
        raise FileAltered(f"The keys in {folder} cannot be read ({type(error).__name__}).") from None
    for tenant, kek in used:
        if str(kek) not in keks.get(tenant.hex(), {}):
            raise KeysDiffer(f"Keys of tenant {UUID(bytes=tenant)} are wrapped by {kek}, which is not there.")


def must_fit(folder: Path, keys: Path, master_key: bytes | None) -> None:
    """See that the keys of a backup, a whole one, can be put into a folder, and will open there.

    `master_key`: where it is no file. Raises `KeysThere`, `MasterKeyMissing`, `MasterKeyWrong`.
    """
    if (keys / STORE).exists() and not _is_from(folder, keys):
        raise KeysThere(f"There is a key store in {keys}.")
    files = [one / MASTER for one in (keys, folder) if (one / MASTER).exists()]
    known = [] if master_key is None else [master_key]
    known += [file.read_bytes() for file in files]
    if not known:
        raise MasterKeyMissing
    if master_key is None and len(set(known)) > 1:
        raise MasterKeyWrong(f"{keys / MASTER} is another one than the backup's.")
    try:
        keks = KekFile(folder, known[0])
        for tenant, numbers in json.loads((folder / KEKS).read_bytes()).items():
            for number in numbers:
                keks.cipher(bytes.fromhex(tenant), int(number))
    except (InvalidTag, ValueError):
        raise MasterKeyWrong from None


def put(folder: Path, manifest: Keys, keys: Path, master_key: bytes | None, tell: Tell) -> bool:
    """Put keys that fit where no store is; False: they are there already, from an earlier run.

    All that the backup's list names is destroyed, and all that a list in place names. Raises what reading raises.
    """
    if (keys / STORE).exists():
        return False
    keys.mkdir(mode=0o700, exist_ok=True)
    made = keys / "restoring"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(mode=0o700)
    try:
        _stage(folder, manifest, keys, made, tell)
        store = SqliteKeyStore(made, master_key)
        try:
            destroy_listed(folder / LIST, store)
        finally:
            store.close()
        _written(made, _FROM, json.dumps({"from": fingerprint(folder)}).encode())
        # The store comes last: without it there is none, and all of this is done anew.
        for name in sorted((path.name for path in made.iterdir()), key=lambda name: (name == STORE, name)):
            (made / name).replace(keys / name)
        sync_folder(keys)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return True


def destroy_listed(file: Path, keys: KeyStore) -> int:
    """Destroy every key that a list names; how many were there. Raises `ListUnreadable`, `KeysUnavailable`."""
    found, batch = 0, []
    for key in listed(file):
        batch.append(key)
        if len(batch) == _AT_ONCE:
            found += keys.destroy(batch)
            batch.clear()
    return found + (keys.destroy(batch) if batch else 0)


def listed(file: Path) -> Iterator[SubjectKey]:
    """The keys that a list names. Raises `ListUnreadable` where none of its lines is one.

    Half a line is what a crash left of a destruction that never was.
    """
    read, amiss = 0, 0
    try:
        with file.open("rb") as lines:
            for line in lines:
                try:
                    tenant, subject, kind = json.loads(line)
                    key = UUID(tenant), str(subject), KeyKind(kind)
                except (ValueError, TypeError, AttributeError):
                    amiss += 1
                    continue
                read += 1
                yield key
    except FileNotFoundError:
        raise ListUnreadable(f"{file} is not there.") from None
    if amiss and not read:
        raise ListUnreadable(f"{file} has no line that names a key.")


def _snapshot(keys: Path, reader: sqlite3.Connection) -> bytes:
    """Begin to read the store as it is now; the key-encryption keys of that moment, or some more.

    Held for a moment, the write lock lets no rotation come in between: it wraps keys and adds what it wraps them with
    under it.
    """
    with closing(_connected(keys / STORE)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        reader.execute("BEGIN")
        reader.execute("SELECT n FROM generation").fetchone()
        keks = (keys / KEKS).read_bytes() if (keys / KEKS).exists() else b"{}"
        writer.execute("ROLLBACK")
    return keks


def _copied(source: sqlite3.Connection, folder: Path, name: str, tell: Tell) -> Kept:
    made = folder / f"{name}.making"
    os.close(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    with closing(sqlite3.connect(made)) as target:
        source.backup(target)
        target.execute("PRAGMA journal_mode=DELETE")  # one file, not three
    with made.open("rb") as file, Written(folder, name, gzip=False) as written:
        while piece := file.read(PIECE):
            written.write(piece)
            tell(name, len(piece))
        kept = written.finish()
    made.unlink()
    return kept


def _written(folder: Path, name: str, content: bytes) -> Kept:
    with Written(folder, name, gzip=False) as written:
        written.write(content)
        return written.finish()


def _whole_lines(file: Path, folder: Path) -> Kept:
    """A copy of the list as far as its lines are whole: it may grow meanwhile."""
    rest = b""
    with Written(folder, LIST, gzip=False) as written:
        if file.exists():
            with file.open("rb") as lines:
                while piece := lines.read(PIECE):
                    whole, end, rest = (rest + piece).rpartition(b"\n")
                    written.write(whole + end)
        return written.finish()


def _stage(folder: Path, manifest: Keys, keys: Path, made: Path, tell: Tell) -> None:
    """The files as they will be. Of three what is in place is taken: it is newer, or the same."""
    in_place = [name for name in (LIST, MASTER, NOTARY) if (keys / name).exists()]
    for name in in_place:
        shutil.copy2(keys / name, made / name)
    for kept in manifest.files:
        if kept.name == LIST or kept.name in in_place:
            continue
        with Written(made, kept.name, gzip=False) as written:
            for piece in pieces(folder, kept, tell):
                written.write(piece)
            written.finish()


def _is_from(folder: Path, keys: Path) -> bool:
    """Whether a store was put in place from this backup."""
    try:
        told = json.loads((keys / _FROM).read_bytes())
    except (FileNotFoundError, ValueError):
        return False
    return isinstance(told, dict) and told.get("from") == fingerprint(folder)


def _connected(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(file, isolation_level=None, timeout=_PATIENCE)
