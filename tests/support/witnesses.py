"""Logs that witnesses are asked about, and a witness of ours that runs as a process."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adapters.keys.ed25519 import public_key, signer
from domain.audit.checkpoints import Checkpoint
from domain.audit.notes import Note, SignatureType, VerifierKey, signed
from domain.audit.witnessing import AddCheckpoint
from tests.support.naive_tree import mth, proof
from tests.support.serving import ROOT

SEED = bytes(range(32))
INSTALLATION = "ledger.test"


@dataclass
class Log:
    """A log of few entries; `seed` is that of the key which signs it."""

    origin: str
    entries: list[bytes] = field(default_factory=list)
    seed: bytes = SEED

    @property
    def vkey(self) -> VerifierKey:
        return VerifierKey(self.origin, SignatureType.ED25519, public_key(self.seed))

    def grow(self, size: int, mark: str = "") -> None:
        self.entries += [f"{n}{mark}".encode() for n in range(len(self.entries), size)]

    def fork(self, size: int) -> "Log":
        """Another log of this origin that goes its own way from this size on."""
        return Log(self.origin, self.entries[:size], self.seed)

    def note(self, size: int) -> bytes:
        text = Checkpoint.of(self.origin, size, mth(self.entries[:size]), epoch=1).text
        return Note(text, (signed(text, self.vkey, signer(self.seed)),)).to_bytes()

    def text(self, size: int) -> str:
        return Note.read(self.note(size)).text

    def request(self, old: int, size: int, from_size: int | None = None) -> bytes:
        """A request that goes on from `old`; the proof is from `from_size` where that is another."""
        begin = old if from_size is None else from_size
        hashes = proof(begin, self.entries[:size]) if 0 < begin < size else []
        return AddCheckpoint(old, tuple(hashes), self.note(size)).to_bytes()


@dataclass(frozen=True)
class Running:
    """A witness of ours: its folder, where it is, its key, and its process."""

    folder: Path
    url: str
    vkey: str
    process: subprocess.Popen[bytes]


def configured(folder: Path, name: str = "witness.test/ours", **changes: object) -> Path:
    """A folder of a witness that knows the logs below `INSTALLATION`."""
    folder.mkdir(exist_ok=True)
    key = VerifierKey(INSTALLATION, SignatureType.ED25519, public_key(SEED))
    told = {"name": name, "port": 0, **changes}
    lines = [*(f"{key} = {json.dumps(value)}" for key, value in told.items()), "[[logs]]"]
    lines += [f'origin = "{INSTALLATION}/*"', f'keys = ["{key}"]']
    (folder / "witness.toml").write_text("\n".join(lines), encoding="utf-8")
    return folder


@contextmanager
def running_witness(folder: Path) -> Iterator[Running]:
    """`penguinmails witness` over a folder; it must end in order."""
    command = [sys.executable, "-m", "api.cli", "witness", "--json", "--folder", str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, "it did not start"
        told: dict[str, Any] = json.loads(line)
        try:
            yield Running(folder, told["address"], told["key"], process)
        finally:
            was_killed = process.poll() is not None
            process.terminate()
            assert process.wait(20) == 0 or was_killed
