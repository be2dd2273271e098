"""Proofs of inclusion that came along (C2SP tlog-proof), which show other programs what the walk shows here."""

from __future__ import annotations

from typing import Final

from adapters.evidence import format as named
from adapters.evidence.anchors import Anchor
from adapters.evidence.files import Files
from adapters.evidence.verdict import Verdict
from domain.audit.paths import verify_inclusion
from domain.audit.proofs import SUFFIX, TlogProof
from domain.kernel.errors import Refusal

MOST_PROOFS: Final = 1_000
_LONGEST: Final = 12


class Inclusions:
    """The proofs of one log, while its events go by."""

    def __init__(self, files: Files, log: str, verdict: Verdict) -> None:
        """Find which positions they are of."""
        self._files, self._log, self._verdict = files, log, verdict
        self._names: dict[int, str] = {}
        for name in files.under(f"{log}/{named.PROOFS}"):
            number = name.rpartition("/")[2].removesuffix(SUFFIX)
            if len(number) > _LONGEST or not number.isascii() or not number.isdigit():
                verdict.wrong.append(f"{name!a} is no proof of a position.")
            elif len(self._names) < MOST_PROOFS:
                self._names[int(number)] = name
            else:
                verdict.unjudged.append(f"Of the proofs in {log} no more than {MOST_PROOFS:,} are looked at.")
                break

    @property
    def positions(self) -> dict[int, bytes | None]:
        """Whose leaves they need."""
        return dict.fromkeys(self._names)

    def judge(self, head: Anchor, leaves: dict[int, bytes | None]) -> None:
        """Whether each shows its event in the tree of the log's checkpoint."""
        held = list[int]()
        for position, name in self._names.items():
            words = self._fault(self._files.read(name), position, head, leaves.get(position))
            if words is None:
                held.append(position)
            else:
                self._verdict.wrong.append(f"{name!a} does not hold: {words}")
        if held:
            told = ", ".join(map(str, held))
            self._verdict.proven.append(
                f"{len(held)} proofs for other programs (tlog-proof) came along of the log {self._log}, and hold: of"
                f" the positions {told}."
            )

    @staticmethod
    def _fault(data: bytes, position: int, head: Anchor, leaf: bytes | None) -> str | None:
        if leaf is None:
            return "its event is not in the bundle."
        try:
            proof = TlogProof.read(data)
        except Refusal as refusal:
            return refusal.detail
        if proof.index != position - 1 or proof.checkpoint != head.note.to_bytes():
            return "it is of another position, or for another checkpoint than the bundle's."
        checkpoint = head.checkpoint
        found = verify_inclusion(leaf, proof.index, checkpoint.size, checkpoint.root, proof.hashes)
        return None if found.holds else found.words
