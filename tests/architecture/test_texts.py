"""A text in which nobody sees anything is none, wherever one is taken: no wording, no name, no reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError

from domain.kernel.commands import COMMANDS
from tests.support.stored_names import current_shapes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

COMPARED = {
    ("CloseTenant", "tenant_slug"),
    ("Mapping", "columns"),
    ("ReplayWebhook", "from_position"),
    ("ReplayWebhook", "to_position"),
}
"""What has to be equal to something that is there."""
UNSEEN = "\u200b\u2060"


def parts(cls: type[BaseModel], seen: set[type[BaseModel]]) -> None:
    """All models that a command is made of, itself among them."""
    if cls in seen:
        return
    seen.add(cls)
    waiting: list[Any] = [field.annotation for field in cls.model_fields.values()]
    while waiting:
        told = waiting.pop()
        if isinstance(told, type) and issubclass(told, BaseModel):
            parts(told, seen)
        waiting += get_args(told)


def taken(field: FieldInfo, word: str) -> Iterator[object]:
    """The word as the field takes it: alone, in a list, as a key or a value."""
    kind: Any = Annotated[field.annotation, *field.metadata, None]
    adapter: TypeAdapter[object] = TypeAdapter(kind)
    for value in (word, [word], {word: "x"}, {"x": word}):
        try:
            adapter.validate_python(value)
        except ValidationError:
            continue
        yield value


def test_no_command_takes_a_text_that_nobody_sees() -> None:
    current_shapes()
    seen: set[type[BaseModel]] = set()
    for command in COMMANDS.public():
        parts(command, seen)
    texts, blind = set(), set()
    for cls in seen:
        for name, field in cls.model_fields.items():
            if list(taken(field, "some words")):
                texts.add((cls.__name__, name))
                if list(taken(field, UNSEEN)):
                    blind.add((cls.__name__, name))
    assert blind == COMPARED
    assert {
        ("RecordConsent", "wording"),
        ("GivenContent", "sender_name"),
        ("CreateContact", "first_name"),
    } <= texts
