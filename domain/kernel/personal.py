"""Personal fields: what is encrypted per data subject, and what stands in their place when a key is gone.

A field is marked by its type, `Profile[str]` or `Evidence[str]`. The mark names which of the subject's two keys
seals it: the *profile* key is destroyed at erasure, the *evidence* key lives on under the period that a law names
(GDPR Art. 7(1) and 17(3)(e), CASL s.13 put the proof of consent on the sender).

Nothing may branch, count or sort on a personal field: its value is `ERASED` as soon as its key is gone.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

from pydantic_core import core_schema

if TYPE_CHECKING:
    from pydantic import BaseModel, GetCoreSchemaHandler, GetJsonSchemaHandler

T = TypeVar("T")

ERASED: Final = "[erased]"
"""What every reader sees where a destroyed key once opened a value."""

SEALED: Final = "[sealed]"
"""What a reader sees who may read the event but not the personal values in it."""


BRANCH_MARK: Final = "~mark"
BRANCH_VALUE: Final = "~value"
"""How pydantic's errors name the two sides of a personal field: its own values, and the marks in their place."""


class KeyKind(StrEnum):
    """Which of a subject's two keys seals a value."""

    PROFILE = "profile"
    EVIDENCE = "evidence"


@dataclass(frozen=True, slots=True)
class PersonalMark:
    """The annotation that makes a field personal: its own type, or one of the two marks in its place."""

    kind: KeyKind

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Accept `[erased]` and `[sealed]` beside the field's own values."""
        marks = core_schema.literal_schema([ERASED, SEALED])
        return core_schema.union_schema(
            [(marks, BRANCH_MARK), (handler(source), BRANCH_VALUE)], mode="left_to_right"
        )

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Show the field's own type, and that it is personal."""
        inner: Any = schema
        if schema["type"] == "union":
            inner = next(choice[0] for choice in schema["choices"] if choice[1] == BRANCH_VALUE)
        return {**handler(inner), "x-personal": self.kind.value}


Profile = Annotated[T, PersonalMark(KeyKind.PROFILE)]
Evidence = Annotated[T, PersonalMark(KeyKind.EVIDENCE)]


def is_hidden(value: object) -> bool:
    """Whether a mark stands where a personal value was: its key is gone, or it was not to be shown here."""
    return value in (ERASED, SEALED)


def personal_fields(model: type[BaseModel]) -> dict[str, KeyKind]:
    """The personal fields of a model, by name, in the order of their declaration."""
    return {
        name: mark.kind
        for name, info in model.model_fields.items()
        for mark in info.metadata
        if isinstance(mark, PersonalMark)
    }
