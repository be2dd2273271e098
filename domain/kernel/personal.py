"""Personal fields: what is encrypted per data subject, and what stands in their place when a key is gone.

A field is marked by its type, `Profile[str]` or `Evidence[str]`. The mark names which of the subject's two keys
seals it: the *profile* key is destroyed at erasure, the *evidence* key lives on under the period that a law names
(GDPR Art. 7(1) and 17(3)(e), CASL s.13 put the proof of consent on the sender).

Nothing may branch, count or sort on a personal field: its value is `ERASED` as soon as its key is gone.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

if TYPE_CHECKING:
    from pydantic import BaseModel

T = TypeVar("T")

ERASED: Final = "[erased]"
"""What every reader sees where a destroyed key once opened a value."""

SEALED: Final = "[sealed]"
"""What a reader sees who may read the event but not the personal values in it."""


class KeyKind(StrEnum):
    """Which of a subject's two keys seals a value."""

    PROFILE = "profile"
    EVIDENCE = "evidence"


@dataclass(frozen=True, slots=True)
class PersonalMark:
    """The annotation that makes a field personal."""

    kind: KeyKind


Profile = Annotated[T, PersonalMark(KeyKind.PROFILE)]
Evidence = Annotated[T, PersonalMark(KeyKind.EVIDENCE)]


def personal_fields(model: type[BaseModel]) -> dict[str, KeyKind]:
    """The personal fields of a model, by name, in the order of their declaration."""
    return {
        name: mark.kind
        for name, info in model.model_fields.items()
        for mark in info.metadata
        if isinstance(mark, PersonalMark)
    }
