"""Form-encoded bodies with nested keys (`items[0][price]=...`), read and checked as Stripe reads them."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from adapters.stripe.fake.problems import Problem, invalid, needed, unknown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_KEY: Final = re.compile(r"([^\[\]]+)|\[([^\[\]]*)\]")
_ALWAYS: Final = frozenset({"expand"})
_DEEPEST: Final = 20
_LARGEST_PAGE: Final = 100


def read_form(text: str) -> dict[str, Any]:
    """The nested parameters of a form or a query. Raises `Problem`."""
    tree: dict[str, Any] = {}
    for key, value in parse_qsl(text, keep_blank_values=True):
        parts = [first or rest for first, rest in _KEY.findall(key)]
        if not 0 < len(parts) <= _DEEPEST:
            raise invalid(key, f"Invalid parameter: {key}")
        node = tree
        for part in parts[:-1]:
            node = node.setdefault(part or str(len(node)), {})
            if not isinstance(node, dict):
                raise invalid(key, f"Invalid parameter: {key}")
        node[parts[-1] or str(len(node))] = value
    return {name: _listed(value) for name, value in tree.items()}


def _listed(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    inner = {name: _listed(value) for name, value in node.items()}
    if inner and all(name.isdecimal() for name in inner):
        return [inner[name] for name in sorted(inner, key=int)]
    return inner


class Params:
    """What a request gave, by name; nested ones have their full name in errors."""

    def __init__(self, values: dict[str, Any], prefix: str = "") -> None:
        """Take what was read of a form."""
        self.values = values
        self._prefix = prefix

    def name(self, key: str) -> str:
        """The full name of a parameter."""
        return f"{self._prefix}[{key}]" if self._prefix else key

    def only(self, allowed: Collection[str]) -> None:
        """Refuse what the address does not take."""
        for key in self.values:
            if key not in allowed and key not in _ALWAYS:
                raise unknown(self.name(key))

    def __contains__(self, key: str) -> bool:
        """Whether it was given, if only to be emptied."""
        return key in self.values

    def text(self, key: str) -> str | None:
        """A text; None where none was given or it is empty."""
        value = self.values.get(key)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            raise invalid(self.name(key), f"Invalid string: {self.name(key)}")
        return value

    def must(self, key: str) -> str:
        """A text that is needed."""
        value = self.text(key)
        if value is None:
            raise needed(self.name(key))
        return value

    def one_of(self, key: str, choices: Iterable[str], default: str | None = None) -> str | None:
        """A text out of a few."""
        value = self.text(key)
        if value is not None and value not in set(choices):
            raise invalid(self.name(key), f"Invalid {self.name(key)}: must be one of {', '.join(choices)}")
        return value if value is not None else default

    def integer(self, key: str) -> int | None:
        """A whole number."""
        value = self.text(key)
        if value is None:
            return None
        if not re.fullmatch(r"-?\d{1,15}", value):
            raise Problem(f"Invalid integer: {value}", code="parameter_invalid_integer", param=self.name(key))
        return int(value)

    def decimal(self, key: str) -> Decimal | None:
        """A number with a fraction."""
        value = self.text(key)
        if value is None:
            return None
        if not re.fullmatch(r"\d{1,15}(\.\d{1,12})?", value):
            raise invalid(self.name(key), f"Invalid decimal: {value}")
        return Decimal(value)

    def boolean(self, key: str) -> bool | None:
        """True or false."""
        value = self.text(key)
        if value not in (None, "true", "false"):
            raise invalid(self.name(key), f"Invalid boolean: {value}")
        return None if value is None else value == "true"

    def sub(self, key: str) -> Params:
        """Parameters within a parameter."""
        value = self.values.get(key)
        if value in (None, ""):
            value = {}
        if not isinstance(value, dict):
            raise invalid(self.name(key), f"Invalid object: {self.name(key)}")
        return Params(value, self.name(key))

    def subs(self, key: str) -> list[Params]:
        """A list of parameters."""
        value = self.values.get(key)
        if value in (None, ""):
            return []
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise invalid(self.name(key), f"Invalid array: {self.name(key)}")
        return [Params(one, f"{self.name(key)}[{number}]") for number, one in enumerate(value)]

    def texts(self, key: str) -> list[str]:
        """A list of texts."""
        value = self.values.get(key)
        if value in (None, ""):
            return []
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise invalid(self.name(key), f"Invalid array: {self.name(key)}")
        return value

    def metadata(self, before: dict[str, str] | None = None) -> dict[str, str]:
        """Metadata with what is given set, and what is given empty removed."""
        after = dict(before or {})
        if self.values.get("metadata") == "":
            return {}
        for key, value in self.sub("metadata").values.items():
            if value == "":
                after.pop(key, None)
            else:
                after[key] = str(value)
        return after

    def page(self) -> int:
        """How many a list is to show."""
        limit = self.integer("limit")
        if limit is not None and not 1 <= limit <= _LARGEST_PAGE:
            raise invalid("limit", "Invalid limit: must be between 1 and 100")
        return limit or 10
