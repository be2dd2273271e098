"""Between a stream's folded state and the bytes of a snapshot: which states may be kept, and in what form."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any, Final, Generic, TypeVar

from pydantic import TypeAdapter

from domain.kernel.commands import Decider

S = TypeVar("S")
WORTH_IT: Final = 500
"""Events read since the last snapshot that make a new one worth its write."""


class HoldsPersonalData(TypeError):
    """The state of this kind of stream holds personal values and is never written anywhere but into its events."""


class StateForm(Generic[S]):
    """The JSON of one kind of state, and a name for its shape: a snapshot of another shape is not read."""

    def __init__(self, decider: Decider[S], shape: Any, *, revision: int = 1) -> None:
        """`shape` is the state's type. Raise `revision` when `evolve` makes another state of the same events.

        Raises `HoldsPersonalData` for a decider that reveals, and for a shape with a personal field in any depth.
        """
        self._adapter: TypeAdapter[S] = TypeAdapter(shape)
        described = json.dumps(self._adapter.json_schema(), sort_keys=True)
        if decider.reveals or '"x-personal"' in described:
            raise HoldsPersonalData(f"{decider.category}: {HoldsPersonalData.__doc__}")
        self.schema = f"{decider.category}.{revision}.{sha256(described.encode()).hexdigest()[:16]}"

    def to_bytes(self, state: S) -> bytes:
        """The state as JSON."""
        return self._adapter.dump_json(state)

    def from_bytes(self, content: bytes) -> S:
        """The state again. Raises `pydantic.ValidationError` for bytes that are not of this shape."""
        return self._adapter.validate_json(content)
