"""Commands with a secret that the domain never sees: the door makes it and hands over its HMAC alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from pydantic import PrivateAttr

from domain.kernel.commands import Command

if TYPE_CHECKING:
    from uuid import UUID


class SecretCommand(Command):
    """Base of commands whose answer holds a secret, shown once. No field of the body can carry it."""

    _secret_hmac: str | None = PrivateAttr(default=None)

    def carrying(self, secret_hmac: str) -> Self:
        """The command with the HMAC (hex) of the secret that its door made."""
        self._secret_hmac = secret_hmac
        return self

    @property
    def carries_secret(self) -> bool:
        """Whether its door made a secret; only a registration is decided without one."""
        return self._secret_hmac is not None

    @property
    def secret_hmac(self) -> str:
        """The HMAC; a command of this kind is never decided without one."""
        if self._secret_hmac is None:
            msg = f"{type(self).__name__} came without its secret's HMAC"
            raise RuntimeError(msg)
        return self._secret_hmac


class KeptSecretCommand(SecretCommand):
    """Base of commands whose secret is needed again, to sign with: the key store makes it and keeps it.

    What the events and the store know it by is `secret_id`; no HMAC of it is stored.
    """

    _kept_as: UUID | None = PrivateAttr(default=None)

    def keeping(self, secret_id: UUID) -> Self:
        """The command with the id of a secret that is in the key store already, as its door saw to."""
        self._kept_as = secret_id
        return self

    @property
    def secret_id(self) -> UUID:
        """The id of the secret; one that nothing is kept under yet where no door brought one, as in a rehearsal."""
        return self._kept_as or self.stamp.fresh_id("secret")
