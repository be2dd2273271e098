"""The operational views; importing this also registers their queries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from projections.operational.contacts import queries as _contacts
from projections.operational.contacts.handler import CONTACTS

if TYPE_CHECKING:
    from projections.runtime.facts import Projection

VIEWS: Final[tuple[Projection, ...]] = (CONTACTS,)
"""Every operational view."""

_REGISTERED: Final = (_contacts,)
