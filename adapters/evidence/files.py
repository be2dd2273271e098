"""A bundle's files against its manifest, each read once and no further than it may go."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from typing import Any, Final, NamedTuple
from uuid import UUID

from adapters.evidence import format as named
from adapters.evidence.unpacking import MOST_TIMES, Damaged, TooLong, Unpacking, Unreadable
from adapters.evidence.verdict import Verdict
from domain.audit.origins import LogKind

_SPARE: Final = 1024 * 1024
_LOGS: Final = [kind.value for kind in LogKind]


class Listed(NamedTuple):
    """A file as the manifest lists it."""

    size: int
    sha256: str


class Manifest(NamedTuple):
    """What the manifest says that a verifier goes by."""

    tenant: str
    logs: tuple[str, ...]
    files: dict[str, Listed]
    asked: Any


class Files:
    """The files of a bundle. What is wrong with one is told once, in the verdict, and reading goes on."""

    def __init__(self, archive: Unpacking, verdict: Verdict) -> None:
        """Read the manifest. Raises `Unreadable` where there is none."""
        self._archive, self._verdict = archive, verdict
        self._judged: set[str] = set()
        self.manifest: Final = _manifest(archive)
        listed = self.manifest.files
        for name in listed.keys() - archive.entries.keys():
            verdict.wrong.append(f"The manifest lists {name!a}, and the bundle lacks it.")
        for name in archive.entries.keys() - listed.keys() - {named.MANIFEST}:
            verdict.wrong.append(f"The manifest does not list {name!a}: somebody put it in. It was not read.")
        if not archive.as_made or list(archive.entries) != [*listed, named.MANIFEST]:
            verdict.notes.append(
                "The bundle was packed again by another program: what counts is what is in it, and that was judged."
            )

    def __contains__(self, name: str) -> bool:
        """Whether the bundle has this file, and the manifest lists it."""
        return name in self.manifest.files and name in self._archive.entries

    def chunks(self, name: str) -> Iterator[bytes]:
        """A file's content, as far as it goes; the first time it is compared with the manifest."""
        listed, entry = self.manifest.files.get(name), self._archive.entries.get(name)
        if listed is None or entry is None:
            return
        # What is stored cannot be larger than the archive; what is deflated could be of any size.
        most = (
            entry.size if entry.packed == entry.size else min(listed.size, entry.packed * MOST_TIMES + _SPARE)
        )
        digest, size = sha256(), 0
        try:
            for chunk in self._archive.chunks(name, most):
                digest.update(chunk)
                size += len(chunk)
                yield chunk
        except (Damaged, TooLong) as fault:
            self._tell(name, str(fault))
            return
        if (size, digest.hexdigest()) != listed:
            self._tell(
                name, f"{name!a} is not the file that the manifest lists: it was altered or exchanged."
            )
        self._judged.add(name)

    def read(self, name: str) -> bytes:
        """A whole file that is not to be large. Raises `Unreadable`."""
        held, size = list[bytes](), 0
        for chunk in self.chunks(name):
            held.append(chunk)
            size += len(chunk)
            if size > named.LARGEST_SMALL:
                raise Unreadable(f"{name!a} has more than {named.LARGEST_SMALL:,} bytes.")
        return b"".join(held)

    def rest(self) -> None:
        """Compare with the manifest what was not yet."""
        for name in self.manifest.files:
            if name not in self._judged:
                for _ in self.chunks(name):
                    pass

    def under(self, folder: str) -> list[str]:
        """The files of a folder, in the manifest's order."""
        return [name for name in self.manifest.files if name.startswith(folder) and name in self]

    def _tell(self, name: str, words: str) -> None:
        if name not in self._judged:
            self._judged.add(name)
            self._verdict.wrong.append(words)


def _manifest(archive: Unpacking) -> Manifest:
    told = document(archive.read(named.MANIFEST, named.LARGEST_SMALL), named.MANIFEST)
    if told.get("format") != named.FORMAT:
        raise Unreadable(
            f"This is no bundle of the format {named.FORMAT}, which is the one that is read here."
        )
    try:
        files = {file["name"]: Listed(file["size"], file["sha256"]) for file in told["files"]}
        logs, tenant = tuple(told["logs"]), str(UUID(told["tenant"]))
    except (KeyError, TypeError, ValueError, AttributeError) as fault:
        raise Unreadable(f"{named.MANIFEST} does not tell the tenant, the logs and the files.") from fault
    typed = all(type(name) is str and type(one.size) is int and one.size >= 0 for name, one in files.items())
    if not typed or len(files) != len(told["files"]):
        raise Unreadable(f"{named.MANIFEST} lists a file twice, or not by name, size and hash.")
    if not logs or any(logs.count(log) > 1 or log not in _LOGS for log in logs):
        raise Unreadable(f"{named.MANIFEST} names other logs than {' and '.join(_LOGS)}, or one twice.")
    return Manifest(tenant, logs, files, told.get("asked"))


def document(data: bytes, name: str) -> dict[str, Any]:
    """A JSON object that a file is. Raises `Unreadable`."""
    try:
        told = json.loads(data.decode())
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise Unreadable(f"{name} is no JSON object.")
    return told
