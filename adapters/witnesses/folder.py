"""The folder of one witness: its key and its memory, which are opened, and made, together."""

from __future__ import annotations

import fcntl
from typing import TYPE_CHECKING, Final, NamedTuple

from adapters.witnesses.key import WitnessKey, keep_key, new_key, read_key
from adapters.witnesses.memory import SqliteWitnessMemory

if TYPE_CHECKING:
    from pathlib import Path

KEY: Final = "witness.key"
MEMORY: Final = "witness.sqlite"


class Kept(NamedTuple):
    """What a witness has to keep for ever."""

    key: WitnessKey
    memory: SqliteWitnessMemory


def opened(folder: Path, name: str) -> Kept:
    """The key and the memory of the witness of this name. Raises `WitnessKeyUnusable` or `WitnessMemoryUnusable`.

    Both are made where there is neither. Killed in between, a start leaves what the next one makes anew: the key comes
    into its place last, when the memory knows it.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "witness.lock").open("a", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        file = folder / KEY
        is_new = not file.exists()
        key = new_key(file, name) if is_new else read_key(file, name)
        memory = SqliteWitnessMemory(folder / MEMORY)
        try:
            memory.belong_to(str(key.verifier), new=is_new)
        except BaseException:
            memory.close()
            raise
        if is_new:
            keep_key(file)
        return Kept(key, memory)
