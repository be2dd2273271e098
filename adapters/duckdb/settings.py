"""Settings of the owner of the analytics file and of its clients."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from adapters import sockets


class InvalidSettings(ValueError):
    """The settings cannot work together; the message names the setting and the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlLimits:
    """What a query of an analyst may take, and how many there may be at once, of one tenant and of all.

    `rows` and `megabytes` are of an answer; `memory_mb` is DuckDB's, the process takes more; `wait_seconds` is how long
    a query waits for its turn.
    """

    seconds: float = 10.0
    memory_mb: int = 256
    rows: int = 10_000
    megabytes: int = 16
    per_tenant: int = 2
    at_once: int = 4
    wait_seconds: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OlapSettings:
    """`folder` holds the file, the owner's lock and, unless `listen` names another address, its socket.

    `database_url` is a libpq URL of the database of the logs, for the role that reads them. `listen` is
    `grpc+unix:///path` (its folder is the owner's alone) or `grpc://127.0.0.1:port`, which needs a `token`.
    Sizes are DuckDB's ("512MB"); seconds are seconds. `kept_mb` is how much of answers is kept as long as they hold;
    `recent_seconds` is how much older than the facts an answer may be for which no later position is asked.
    """

    folder: Path
    database_url: str
    listen: str = ""
    token: str = ""
    memory_limit: str = "512MB"
    threads: int = 2
    checkpoint_threshold: str = "256MB"
    report_seconds: float = 10.0
    min_position_seconds: float = 2.0
    concurrent_reports: int = 8
    kept_mb: int = 32
    recent_seconds: float = 10.0
    idle_seconds: float = 1.0
    sql: SqlLimits = field(default_factory=SqlLimits)

    def location(self) -> str:
        """The address of the Flight service. Raises `InvalidSettings`."""
        location = self.listen or f"grpc+unix://{self.folder.resolve() / 'olap.sock'}"
        parts = urlsplit(location)
        if parts.scheme == "grpc+unix":
            if not sockets.fits(parts.path):
                raise InvalidSettings(
                    f"folder: a socket in it would have a path over {sockets.LONGEST} bytes. Choose a shorter "
                    "folder, or set listen to grpc://127.0.0.1:PORT and a token"
                )
        elif parts.scheme in {"grpc", "grpc+tcp"} and parts.hostname in {"127.0.0.1", "localhost", "::1"}:
            if not self.token:
                raise InvalidSettings(
                    "token: listening on a port needs one. Any local user could ask otherwise"
                )
        else:
            raise InvalidSettings("listen: give grpc+unix:///path or grpc://127.0.0.1:PORT")
        return location
