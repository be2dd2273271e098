"""Where the owner of the analytics file listens: said once, for it and for those who ask it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.duckdb.settings import OlapSettings
from adapters.postgres.roles import Role
from adapters.sockets import short_socket

if TYPE_CHECKING:
    from api.settings import Settings


def olap_settings(settings: Settings, server: str) -> OlapSettings:
    """The settings of the owner and of its clients, over the database at `server`."""
    return OlapSettings(
        folder=settings.olap_folder,
        database_url=settings.dsn(Role.PROJECTOR, server),
        memory_limit=f"{settings.analytics_memory_mb}MB",
        listen=f"grpc+unix://{short_socket(settings.olap_folder, 'olap.sock')}",
    )
