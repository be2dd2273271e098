"""A witness's own key: a file that its owner alone may read, made where there is none."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING, Final, NamedTuple

from adapters.keys.ed25519 import public_key, signer
from domain.audit.errors import MalformedVerifierKey
from domain.audit.notes import SignatureType, VerifierKey

if TYPE_CHECKING:
    from pathlib import Path

    from domain.audit.notes import Sign

_SEED_BYTES: Final = 32


class WitnessKeyUnusable(Exception):
    """A witness's key cannot be read, or is another's; the message says which, and what to do."""


class WitnessKey(NamedTuple):
    """What a witness signs by, and what others verify that with."""

    verifier: VerifierKey
    sign: Sign


def new_key(file: Path, name: str) -> WitnessKey:
    """A new key of this name, on the disk beside its place: `keep_key` puts it there."""
    seed = secrets.token_bytes(_SEED_BYTES)
    key = _key(seed, name)
    # With the mode from the first byte on.
    descriptor = os.open(_beside(file), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(f"{key.verifier}\n{seed.hex()}\n")
        out.flush()
        os.fsync(out.fileno())
    return key


def keep_key(file: Path) -> None:
    """Put what `new_key` made in its place, on the disk when this returns."""
    _beside(file).replace(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read_key(file: Path, name: str) -> WitnessKey:
    """The key in a file. Raises `WitnessKeyUnusable`, and `FileNotFoundError` where there is none."""
    try:
        if file.stat().st_mode & 0o077:
            raise WitnessKeyUnusable(f"Others may read {file}. Have it read by its owner alone: chmod 600.")
        told, hexed = file.read_text(encoding="utf-8").split()
        key = _key(bytes.fromhex(hexed), VerifierKey.read(told).name)
    except FileNotFoundError:
        raise
    except (OSError, ValueError, MalformedVerifierKey) as error:
        raise WitnessKeyUnusable(
            f"{file} is no key of a witness, or cannot be read ({type(error).__name__})."
        ) from None
    if str(key.verifier) != told:
        raise WitnessKeyUnusable(f"The two lines of {file} are of two keys. Put back the file as it was.")
    if key.verifier.name != name:
        raise WitnessKeyUnusable(
            f"The key in {file} is of {key.verifier.name}, and the witness is called {name}. A witness of another name"
            " has another key: give it a folder of its own."
        )
    return key


def _key(seed: bytes, name: str) -> WitnessKey:
    return WitnessKey(VerifierKey(name, SignatureType.COSIGNATURE, public_key(seed)), signer(seed))


def _beside(file: Path) -> Path:
    return file.with_name(f"{file.name}.new")
