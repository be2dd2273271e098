"""How far an entry of a list goes: all of the tenant, a kind of campaign, a workspace, or what a platform held back.

Our own exports say it in two columns, scope and within; other lists at most name a kind of campaign.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple
from uuid import UUID

from domain.audience.intake.errors import Fault
from domain.audience.intake.list_columns import CAMPAIGN_TYPE, SCOPE, WITHIN
from domain.law.facts import Scope

_WHOLE_TENANT: Final = frozenset({"", "tenant", "all", "global", "account", "everything"})
_SCOPES: Final = {one.value.replace("_", ""): one for one in Scope}
_CAMPAIGN_TYPE: Final = re.compile(r"[a-z][a-z0-9_-]{0,39}")

CAMPAIGN_TYPE_INVALID: Final = Fault(
    "campaign-type-invalid",
    "This is no kind of campaign.",
    "Write it as campaigns name it: a letter, then a-z, 0-9, _ or -; or nothing for the whole tenant.",
)
SCOPE_UNKNOWN: Final = Fault(
    "scope-unknown",
    "This does not say how far the entry goes.",
    f"Write one of: {', '.join(Scope)}; or nothing for the whole tenant.",
)
WITHIN_MISSING: Final = Fault(
    "within-missing",
    "The entry is of one kind of campaign and does not say which.",
    "Name it in this column as campaigns do, or write nothing as the scope for the whole tenant.",
)
WORKSPACE_INVALID: Final = Fault(
    "within-no-workspace",
    "The entry is of one workspace, and this is no workspace's id.",
    "Write the workspace's id, or nothing as the scope for the whole tenant.",
)


class Reach(NamedTuple):
    """A kind of campaign or a workspace, or neither. `platform`: of wherever it was, not of this tenant alone."""

    campaign_type: str | None = None
    workspace: str | None = None
    platform: bool = False


class Unreadable(NamedTuple):
    """The target whose cell is wrong, and what is wrong with it."""

    target: str
    fault: Fault


@lru_cache(maxsize=4096)
def read_reach(scope: str, within: str, campaign_type: str) -> Reach | Unreadable:
    """What three cells say together; without a scope the kind of campaign counts alone."""
    word, named = re.sub(r"[\W_]+", "", scope).lower(), within.strip().lower()
    if not word:
        return _of_campaign_type(campaign_type.strip().lower())
    if word in _WHOLE_TENANT:
        return Reach()
    match _SCOPES.get(word):
        case Scope.PLATFORM:
            return Reach(platform=True)
        case Scope.WORKSPACE:
            return _of_workspace(named)
        case Scope.CAMPAIGN_TYPE:
            wanted = named or campaign_type.strip().lower()
            if _CAMPAIGN_TYPE.fullmatch(wanted):
                return Reach(campaign_type=wanted)
            return Unreadable(WITHIN, CAMPAIGN_TYPE_INVALID if wanted else WITHIN_MISSING)
        case _:
            return Unreadable(SCOPE, SCOPE_UNKNOWN)


def _of_campaign_type(word: str) -> Reach | Unreadable:
    if word in _WHOLE_TENANT:
        return Reach()
    if _CAMPAIGN_TYPE.fullmatch(word):
        return Reach(campaign_type=word)
    return Unreadable(CAMPAIGN_TYPE, CAMPAIGN_TYPE_INVALID)


def _of_workspace(text: str) -> Reach | Unreadable:
    try:
        return Reach(workspace=str(UUID(text)))
    except ValueError:
        return Unreadable(WITHIN, WORKSPACE_INVALID)
