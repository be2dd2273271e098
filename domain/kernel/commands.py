"""Commands: what may be asked. Each declares context, stream, permission and fields once; the doors are made from that.

`decide(command, state) -> tuple[Event, ...]` is pure: the moment, the ids and who asks come in with the command, in its
stamp. `evolve(state, event) -> State` holds no rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, NamedTuple, Self, TypeVar

from pydantic import BaseModel, ConfigDict, model_validator

from domain.kernel.events import Event
from domain.kernel.ids import derived_id
from domain.kernel.personal import ERASED, SEALED, KeyKind, personal_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from uuid import UUID

    from domain.kernel.permissions import Permission

S = TypeVar("S")


class ActorKind(StrEnum):
    """What sort of hand did it."""

    API_KEY = "api_key"
    MEMBER = "member"
    STAFF = "staff"
    WORKFLOW = "workflow"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: a key (and the member it acts for), a member, staff under a grant, a workflow, the system itself."""

    kind: ActorKind
    id: UUID
    member: UUID | None = None
    grant: UUID | None = None


class Stamp(NamedTuple):
    """What the world adds to a command: the moment, its id, who asks, and the id of the stream it is about."""

    at: datetime
    command_id: UUID
    actor: Actor
    tenant_id: UUID
    target: UUID

    def fresh_id(self, *parts: object) -> UUID:
        """An id for a thing that this command makes besides its target: the same at each retry."""
        return derived_id(self.command_id, *parts)

    def aimed_at(self, target: UUID) -> Stamp:
        """The same stamp for another target."""
        return self._replace(target=target)


class Command(BaseModel):
    """Base of all commands: `class CreateContact(Command, context="audience", stream="contact", permission=...)`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    context: ClassVar[str]
    stream: ClassVar[str]
    slug: ClassVar[str]
    permission: ClassVar[Permission]
    personal: ClassVar[dict[str, KeyKind]]
    internal: ClassVar[bool]
    tells: ClassVar[bool] = False
    """Whether an answer tells more than the names of the events: `answer`."""

    def __init_subclass__(cls, **_: Any) -> None:
        """Take the class keywords; they are read once the fields are known."""
        super().__init_subclass__()

    @classmethod
    def __pydantic_init_subclass__(
        cls,
        *,
        context: str = "",
        stream: str = "",
        permission: Permission | None = None,
        internal: bool = False,
        **kwargs: Any,
    ) -> None:
        """Register the class; `internal` commands are for workflows and have no door."""
        super().__pydantic_init_subclass__(**kwargs)
        if permission is None:
            return  # an abstract base
        cls.context = context
        cls.stream = stream
        cls.permission = permission
        cls.internal = internal
        cls.slug = _kebab(cls.__name__)
        cls.personal = personal_fields(cls)
        COMMANDS.add(cls)

    @model_validator(mode="after")
    def _says_no_mark(self) -> Self:
        if any(getattr(self, name) in (ERASED, SEALED) for name in self.personal):
            msg = f"{ERASED} and {SEALED} stand for values that cannot be shown; leave the field out instead"
            raise ValueError(msg)
        return self

    @classmethod
    def answer(cls, events: Sequence[Event]) -> dict[str, Any] | None:
        """What an answer tells besides the events' names, from the events that the command made; nothing personal."""
        del events
        return None

    def people(self) -> tuple[UUID, ...]:
        """The people of the tenant's that it is about, where single workspaces may ask it of those they know.

        They know whom a contact of theirs refers to. None: it is about what a workspace has of its own, or the tenant.
        """
        return ()

    def holds_everywhere(self) -> bool:
        """Whether, though `people` are known to a workspace, it is for the tenant to ask: it decides for the others."""
        return False

    def stamped(self, stamp: Stamp) -> Self:
        """The command as it is decided: with its moment, its ids and who asks."""
        self.__dict__["stamp"] = stamp
        return self

    @cached_property
    def stamp(self) -> Stamp:
        """What the world added; a command is never decided without it."""
        # Kept where a cached property keeps its value: pydantic's private attributes take ten times as long to read,
        # and a decision reads its stamp at every turn.
        raise RuntimeError(f"{type(self).__name__} was not stamped")


class Decider(Generic[S]):
    """One kind of stream: how its state follows from its events, and what may be done with it.

    `reveals` says that deciding needs the personal values of the state (to tell what a change changes); all other
    streams are folded without a key being touched. `size` tells how many ids a state holds, where it may hold many.
    `remembers_empty`: a process remembers too that there is no such stream, since there are few and many ask.
    """

    __slots__ = ("category", "decide", "evolve", "initial", "remembers_empty", "reveals", "size")

    def __init__(
        self,
        *,
        category: str,
        initial: S,
        evolve: Callable[[S, Any], S],
        decide: Callable[[Any, S], tuple[Event, ...]] | None = None,
        reveals: bool = False,
        size: Callable[[S], int] | None = None,
        remembers_empty: bool = False,
    ) -> None:
        """Register the decider for its category."""
        self.category = category
        self.initial = initial
        self.evolve = evolve
        self.decide = decide
        self.reveals = reveals
        self.size = size
        self.remembers_empty = remembers_empty
        DECIDERS[category] = self

    def fold(self, events: tuple[Event, ...] | list[Event], state: S | None = None) -> S:
        """The state after `events`, from `state` or from nothing."""
        result = self.initial if state is None else state
        for event in events:
            result = self.evolve(result, event)
        return result

    def size_of(self, state: S) -> int:
        """How many ids a state holds; 0 for kinds of streams whose states are small."""
        return 0 if self.size is None else self.size(state)


class CommandRegistry:
    """Every command of the product, by context and by the word in its route."""

    def __init__(self) -> None:
        """Start empty; classes register themselves as they are defined."""
        self.by_route: dict[tuple[str, str], type[Command]] = {}

    def add(self, cls: type[Command]) -> None:
        """Take a class in under `{context}/{slug}`."""
        route = (cls.context, cls.slug)
        known = self.by_route.get(route)
        if known is not None and known.__qualname__ != cls.__qualname__:
            msg = f"two commands for {route}"
            raise TypeError(msg)
        self.by_route[route] = cls

    def public(self) -> list[type[Command]]:
        """The commands that have a door, in the order of their routes."""
        return [self.by_route[route] for route in sorted(self.by_route) if not self.by_route[route].internal]


@lru_cache(
    maxsize=16_384
)  # one command asks for the same few names again and again, and a UUID is slow to write
def stream_name(category: str, key: object) -> str:
    """The name of a stream: its category and its id."""
    return f"{category}:{key}"


def _kebab(name: str) -> str:
    return "".join(f"-{c.lower()}" if c.isupper() else c for c in name).lstrip("-")


COMMANDS: Final = CommandRegistry()
DECIDERS: Final[dict[str, Decider[Any]]] = {}
"""By category of stream."""
