"""Versions of the API by date, and what is on its way out.

A caller names the version it was written for: `Penguin-Version: 2026-11-23`. Without the header it gets the latest.
The answer says which one it is. A route that will go says so in `Deprecation` (RFC 9745) and `Sunset` (RFC 8594) for as
long as this table holds it; `tests/e2e/http` shows that it does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from email.utils import format_datetime
from typing import Final

from api.http.kinds import UNKNOWN_VERSION
from api.http.problems import Problem

VERSIONS: Final = ("2026-11-23",)
"""Oldest first; the last one is the default."""
LATEST: Final = VERSIONS[-1]
_KNOWN: Final = {version.encode(): version for version in VERSIONS}


@dataclass(frozen=True, slots=True)
class Deprecation:
    """A route that goes: since when it is deprecated, when it ends, and the page that says what to use instead."""

    since: date
    sunset: date
    link: str

    def headers(self) -> dict[str, str]:
        """What every answer of the route says."""
        since = datetime.combine(self.since, time(), UTC)
        return {
            "deprecation": f"@{int(since.timestamp())}",
            "sunset": format_datetime(datetime.combine(self.sunset, time(), UTC), usegmt=True),
            "link": f'<{self.link}>; rel="deprecation"; type="text/html"',
        }


DEPRECATED: Final[dict[str, Deprecation]] = {}
"""By operation id, as the OpenAPI document names it (`audience_create_contact`)."""


def deprecation_of(name: str) -> dict[str, str]:
    """What answers of an operation say about its end; `name` is that of the log (`audience.create-contact`)."""
    if not DEPRECATED:
        return {}
    going = DEPRECATED.get(name.replace(".", "_").replace("-", "_"))
    return {} if going is None else going.headers()


def version_of(header: bytes | None) -> str:
    """The version that was asked for. Raises a `Problem` for one that never was."""
    if header is None:
        return LATEST
    known = _KNOWN.get(header.strip())
    if known is None:
        raise Problem(UNKNOWN_VERSION, extra={"versions": list(VERSIONS)})
    return known
