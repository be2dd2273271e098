"""Events: what happened, in the past tense, for ever.

A stored name and schema version are a contract with every log ever written. A shape changes by a new version and an
upcaster, never by an edit. `tests/architecture` keeps a snapshot of every stored name with its JSON Schema.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from pydantic import BaseModel, ConfigDict

from domain.kernel.personal import KeyKind, personal_fields

if TYPE_CHECKING:
    from collections.abc import Callable

Payload = dict[str, Any]


class UnknownEvent(LookupError):
    """A log holds an event that this version of the product does not know: it is older than the log."""


class Event(BaseModel):
    """Base of all events. Subclass with `class ContactCreated(Event, name="audience.contact_created", version=1)`.

    `subject` names the field that holds the data subject's id; an event with personal fields must have one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: ClassVar[str]
    schema_version: ClassVar[int]
    subject: ClassVar[str | None]
    personal: ClassVar[dict[str, KeyKind]]
    changes_access: ClassVar[bool]
    once_personal: ClassVar[frozenset[str]]

    def __init_subclass__(cls, **_: Any) -> None:
        """Take the class keywords; they are read once the fields are known."""
        super().__init_subclass__()

    @classmethod
    def __pydantic_init_subclass__(
        cls,
        *,
        name: str = "",
        version: int = 1,
        subject: str | None = None,
        changes_access: bool = False,
        once_personal: frozenset[str] = frozenset(),
        **kwargs: Any,
    ) -> None:
        """Register the class under its stored name; `changes_access` events raise the log's `auth_epoch`.

        `once_personal` names fields that were personal in an earlier version and are not any more.
        """
        super().__pydantic_init_subclass__(**kwargs)
        cls.name = name
        cls.schema_version = version
        cls.subject = subject
        cls.changes_access = changes_access
        cls.personal = personal_fields(cls)
        cls.once_personal = once_personal
        if cls.personal and subject is None:
            msg = f"{cls.__name__} has personal fields and must name its subject's field"
            raise TypeError(msg)
        EVENTS.add(cls)

    @property
    def subject_id(self) -> str | None:
        """The data subject's id as text, if the event has one."""
        if self.subject is None:
            return None
        value = getattr(self, self.subject)
        return None if value is None else str(value)


@dataclass(slots=True)
class EventRegistry:
    """Every stored event the product knows: the current class by name, and how older shapes become it."""

    classes: dict[str, type[Event]]
    upcasters: dict[tuple[str, int], Callable[[Payload], Payload]]

    def add(self, cls: type[Event]) -> None:
        """Take a class in; two classes with one stored name are a mistake of ours."""
        if not cls.name or "." not in cls.name:
            msg = f"{cls.__name__} needs a stored name of the form context.past_tense"
            raise TypeError(msg)
        known = self.classes.get(cls.name)
        if known is not None and known.__qualname__ != cls.__qualname__:
            msg = f"{cls.name} is the stored name of {known.__name__} already"
            raise TypeError(msg)
        self.classes[cls.name] = cls

    def upcaster(
        self, name: str, from_version: int
    ) -> Callable[[Callable[[Payload], Payload]], Callable[[Payload], Payload]]:
        """Decorate a pure function that turns the payload of `from_version` into that of the next version."""

        def register(function: Callable[[Payload], Payload]) -> Callable[[Payload], Payload]:
            self.upcasters[name, from_version] = function
            return function

        return register

    def sealed_fields(self, name: str, schema_version: int) -> frozenset[str] | None:
        """The fields that are personal in any version of an event; None for what only a newer product knows."""
        cls = self.classes.get(name)
        if cls is None or schema_version > cls.schema_version:
            return None
        return cls.once_personal.union(cls.personal)

    def upcast(self, name: str, schema_version: int, payload: Payload) -> tuple[type[Event], Payload]:
        """The current class of an event and its payload in the current shape.

        Raises `UnknownEvent` for a name, or a version, from a newer product than this one.
        """
        cls = self.classes.get(name)
        if cls is None or schema_version > cls.schema_version:
            msg = f"{name} v{schema_version} is not known here; upgrade before reading this log"
            raise UnknownEvent(msg)
        while schema_version < cls.schema_version:
            payload = self.upcasters[name, schema_version](payload)
            schema_version += 1
        return cls, payload


EVENTS: Final = EventRegistry({}, {})
