"""Refusals: a rule said no. One rule, one guard, one class; its docstring is the rule in plain words."""

from __future__ import annotations

import inspect
from enum import StrEnum
from typing import ClassVar


class RefusalKind(StrEnum):
    """What sort of no it is; the doors translate it, the domain knows no HTTP."""

    INVALID = "invalid"
    CONFLICT = "conflict"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    LIMIT = "limit"
    PAYMENT = "payment"
    """Something has to be bought or paid first."""


class Refusal(Exception):
    """A command was understood and refused.

    `code` is stable and public (it becomes the problem type); `detail` never holds personal data;
    `field` is a JSON pointer into the command's body where one field is to blame.
    """

    code: ClassVar[str] = "refused"
    kind: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    field: ClassVar[str | None] = None
    decided_at: str | None = None
    """Token of the position that the log had reached, at least, when this was decided; None: nobody looked."""

    def __init__(self, detail: str | None = None, /, **extra: object) -> None:
        """Take a detail for this one case; without it the rule itself is told."""
        self.detail = detail if detail is not None else self.rule()
        self.extra = extra
        super().__init__(self.detail)

    @classmethod
    def rule(cls) -> str:
        """The rule in plain words: the class's docstring on one line."""
        return " ".join((inspect.getdoc(cls) or cls.__name__).split())


class NotFound(Refusal):
    """There is no such thing here. Check the id; things of other tenants are not shown."""

    code = "not-found"
    kind = RefusalKind.NOT_FOUND
