"""Bundles are verified: without database, network or settings, by what is in them and what the reader kept.

The standard library reads and hashes, `cryptography` verifies Ed25519; nothing else is needed, and
docs/evidence.md tells how to write another verifier.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from adapters.evidence import format as named
from adapters.evidence.anchors import Anchor, seen_at, signers
from adapters.evidence.beside import compare_completeness, compare_schemas
from adapters.evidence.certified import Certificate
from adapters.evidence.disclosures import Disclosure
from adapters.evidence.files import Files
from adapters.evidence.inclusions import Inclusions
from adapters.evidence.proving import Case, judge, walked
from adapters.evidence.steps import Facts, Gap, Run, Steps
from adapters.evidence.unpacking import Unpacking, Unreadable
from adapters.evidence.verdict import Verdict
from domain.audit.errors import NoteNotSigned, WrongSignature
from domain.audit.notes import MOST_BYTES, SignatureType, VerifierKey
from domain.audit.origins import LogKind
from domain.kernel.errors import Refusal

MOST_KEPT: Final = MOST_BYTES + 1
"""Of a checkpoint that is handed in no more has to be read: beyond it is none."""


class Kept(NamedTuple):
    """An older checkpoint that the reader kept: what they call it, its bytes, and the folder that it lies in."""

    label: str
    data: bytes
    folder: Path


def verify_bundle(
    file: BinaryIO,
    kept: Sequence[Kept] = (),
    keys: Sequence[VerifierKey] = (),
    disclosure: bytes | None = None,
) -> Verdict:
    """Judge a bundle. Nothing that is in it raises anything: what is wrong is in the verdict."""
    verdict = Verdict()
    try:
        files = Files(Unpacking(file), verdict)
        _Verification(files, keys, verdict).run(kept, disclosure)
    except Unreadable as fault:
        verdict.unjudged.append(str(fault))
    return verdict


class _Verification:
    def __init__(self, files: Files, keys: Sequence[VerifierKey], verdict: Verdict) -> None:
        self._files, self._verdict = files, verdict
        self._given = [key for key in keys if key.type is SignatureType.ED25519]
        self._witnesses = [key for key in keys if key.type is SignatureType.COSIGNATURE]
        self._tenant = files.manifest.tenant
        self._disclosure: Disclosure | None = None
        self._certificate = Certificate.asked(files, verdict)
        self._logs: dict[str, tuple[Anchor, Facts]] = {}

    def run(self, kept: Sequence[Kept], disclosed: bytes | None) -> None:
        if disclosed is not None:
            self._disclosure = Disclosure(disclosed, self._tenant, self._verdict)
        bundled = self._keys()
        older = [anchor for one in kept if (anchor := self._older(one)) is not None]
        for log in self._files.manifest.logs:
            head = self._head(log)
            if head is None:
                continue
            own = [anchor for anchor in older if anchor.log == head.log]
            self._log(log, head, own, bundled)
            older = [anchor for anchor in older if anchor not in own]
        for anchor in older:
            self._verdict.unjudged.append(f"{anchor} is of another log: {anchor.checkpoint.origin!a}.")
        if self._disclosure is not None:
            self._disclosure.end()
        if self._certificate is not None:
            self._certificate.end()
        compare_completeness(self._files, self._logs, self._verdict)
        compare_schemas(
            self._files, {shape for _, facts in self._logs.values() for shape in facts.shapes}, self._verdict
        )
        self._files.rest()
        self._verdict.not_proven.append(
            f"What {named.REPORT} and other files say beside the events: nobody signed it. The manifest shows that they"
            " are as they were when the bundle was made, unless it was altered with them."
        )

    def _keys(self) -> list[VerifierKey]:
        keys = []
        for line in self._files.read(named.KEYS).decode(errors="replace").splitlines():
            try:
                keys.append(VerifierKey.read(line))
            except Refusal as refusal:
                self._verdict.wrong.append(
                    f"{named.KEYS} holds a line that is no verifier key. {refusal.detail}"
                )
        return keys

    def _older(self, one: Kept) -> Anchor | None:
        mirror = one.folder if (one.folder / "tile" / "0").is_dir() else None
        try:
            return Anchor.read(one.label, one.data, given=True, mirror=mirror)
        except Refusal as refusal:
            self._verdict.unjudged.append(f"{one.label} is no checkpoint. {refusal.detail}")
            return None

    def _head(self, log: str) -> Anchor | None:
        """The log's checkpoint, if it is one."""
        verdict, name = self._verdict, f"{log}/{named.CHECKPOINT}"
        try:
            head = Anchor.read("the bundle's checkpoint", self._files.read(name)[:MOST_KEPT])
        except Refusal as refusal:
            verdict.unjudged.append(
                f"{name} is no checkpoint, so nothing of this log is proven. {refusal.detail}"
            )
            return None
        if head.log[1:] != (self._tenant, log):
            verdict.wrong.append(
                f"{name} is of the tree of {head.checkpoint.origin!a}, not of the log {log} of tenant {self._tenant}."
            )
        return head

    def _is_signed(self, log: str, head: Anchor, bundled: Sequence[VerifierKey]) -> bool:
        """Whether a key that counts signed the log's checkpoint; and say who did, witnesses too."""
        verdict = self._verdict
        try:
            made = signers(head, self._given or bundled)
        except Refusal as refusal:
            whose = "a key that was given" if self._given else f"a key in {named.KEYS}"
            verdict.wrong.append(
                f"The checkpoint of the log {log} is not signed by {whose}. {refusal.detail}"
            )
            return False
        names = ", ".join(f"{key.name}+{key.key_id.hex()}" for key in made)
        verdict.proven.append(f"The checkpoint of the log {log} is signed by {names}.")
        for witness in self._witnesses:
            try:
                at = seen_at(head, witness)
                verdict.proven.append(f"The witness {witness.name} saw this at {at} (POSIX seconds).")
            except NoteNotSigned:
                verdict.not_proven.append(
                    f"That the witness {witness.name} saw the checkpoint of the log {log}."
                )
            except WrongSignature as refusal:
                verdict.wrong.append(refusal.detail)
        return True

    def _signed(self, anchors: Iterable[Anchor], keys: Sequence[VerifierKey]) -> list[Anchor]:
        """Those of these checkpoints that the installation signed; of the others it is said that it did not."""
        signed = []
        for anchor in anchors:
            try:
                signers(anchor, keys)
                signed.append(anchor)
            except Refusal as refusal:
                self._verdict.wrong.append(f"{anchor} is not signed by a key of this log. {refusal.detail}")
        return signed

    def _counts(self, anchor: Anchor) -> bool:
        if anchor.given or not self._given:
            return True
        try:
            signers(anchor, self._given)
        except Refusal:
            return False
        return True

    def _log(self, log: str, head: Anchor, older: Sequence[Anchor], bundled: Sequence[VerifierKey]) -> None:
        signed = self._is_signed(log, head, bundled)
        keys = [*self._given, *bundled]  # older ones may be by keys that were replaced since
        anchors = [*self._signed(older, keys), *self._signed(self._bundled(log, head), keys)]
        anchors = [replace(anchor, counts=self._counts(anchor)) for anchor in anchors]
        sizes = [anchor.checkpoint.size for anchor in (head, *anchors)]
        steps = self._steps(log, head)
        if self._disclosure is not None:
            steps.wanted = self._disclosure.wanted(log)
        proofs = Inclusions(self._files, log, self._verdict)
        steps.leaves = proofs.positions
        certificate = self._certificate if log == LogKind.EVENTS else None
        if certificate is not None:
            steps.every = certificate.take
        way = walked(steps, head.checkpoint.size, sizes)
        self._logs[log] = head, way.facts
        again = partial(self._again, log, head)
        proven = judge(Case(log, head, anchors, again, signed=signed), way, self._verdict)
        proofs.judge(head, steps.leaves)
        if certificate is not None:
            certificate.tell(proven=proven)
        if not older:
            self._verdict.not_proven.append(
                f"That the log {log} was not exchanged as a whole: no older checkpoint (--checkpoint) was compared."
            )
        if not self._given and not older:
            self._verdict.not_proven.append(
                f"That the key is the log's: no --key and no --checkpoint of the log {log} was given."
            )

    def _bundled(self, log: str, head: Anchor) -> Iterator[Anchor]:
        for name in self._files.under(f"{log}/{named.CHECKPOINTS}"):
            try:
                anchor = Anchor.read(name, self._files.read(name)[:MOST_KEPT])
            except Refusal as refusal:
                self._verdict.wrong.append(f"{name!a} is no checkpoint. {refusal.detail}")
                continue
            if anchor.log == head.log:
                yield anchor
            else:
                self._verdict.wrong.append(f"{name!a} is of another log: {anchor.checkpoint.origin!a}.")

    def _steps(self, log: str, head: Anchor) -> Steps:
        return Steps(lambda name: self._files.chunks(f"{log}/{name}"), self._tenant, head.checkpoint.size)

    def _again(self, log: str, head: Anchor) -> Iterator[Run | Gap]:
        return self._steps(log, head).run()
