"""Our own Stripe of an installation with a demo: what it and its clients have to know of it. Nothing of it is imported.

Its key and its webhook secret are made once and lie in the folder of secrets. Its state and its address are in a folder
of its own, and there it says whether it is served: who has no Stripe account of their own asks it as long as it is.
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from adapters.stripe.settings import StripeSettings

if TYPE_CHECKING:
    from pathlib import Path

_FOLDER: Final = "stripe"
_SECRETS: Final = "own-stripe.json"
_WORD: Final = "address.json"
_USUAL_PORT: Final = 12111


@dataclass(frozen=True, slots=True)
class OwnStripe:
    """One of a data folder. `address`: where it is served, or was last; None: it never was."""

    root: Path
    secret_key: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    address: str | None = None
    served: bool = False

    @property
    def state(self) -> Path:
        """The file of all that it knows."""
        return self.root / _FOLDER / "state.json"

    @property
    def port(self) -> int:
        """The port to listen on: the last one, so that pages of an earlier start stay where they are."""
        return _USUAL_PORT if self.address is None else int(self.address.rpartition(":")[2])

    def settings(self, address: str) -> StripeSettings:
        """How its clients reach it."""
        return StripeSettings(self.secret_key, (self.webhook_secret,), api=address)

    def tell(self, address: str | None, *, served: bool) -> None:
        """Leave word of where it is, and whether it is served."""
        told = {"address": address, "served": served}
        _write(self.root / _FOLDER / _WORD, json.dumps(told))


def own_stripe(root: Path) -> OwnStripe | None:
    """The one of a data folder, if one was ever made."""
    made = _read(root / "secrets" / _SECRETS)
    if made is None:
        return None
    word = _read(root / _FOLDER / _WORD) or {}
    address, served = word.get("address"), word.get("served") is True
    return OwnStripe(
        root,
        str(made["key"]),
        str(made["webhook_secret"]),
        address if isinstance(address, str) else None,
        served,
    )


def made_own_stripe(root: Path) -> OwnStripe:
    """The one of a data folder; its secrets are made where there are none, and its folder."""
    (root / _FOLDER).mkdir(mode=0o700, parents=True, exist_ok=True)
    found = own_stripe(root)
    if found is not None:
        return found
    (root / "secrets").mkdir(mode=0o700, parents=True, exist_ok=True)
    made = {
        "key": f"sk_test_own_{secrets.token_hex(16)}",
        "webhook_secret": f"whsec_own_{secrets.token_hex(16)}",
    }
    _write(root / "secrets" / _SECRETS, json.dumps(made))
    return OwnStripe(root, made["key"], made["webhook_secret"])


def served_settings(root: Path) -> StripeSettings | None:
    """How it is reached while it is served; None: it is not."""
    own = own_stripe(root)
    return None if own is None or not own.served or own.address is None else own.settings(own.address)


def _read(file: Path) -> dict[str, object] | None:
    try:
        told: dict[str, object] = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return told


def _write(file: Path, text: str) -> None:
    draft = file.with_suffix(".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(text + "\n")
        out.flush()
        os.fsync(out.fileno())
    draft.replace(file)
