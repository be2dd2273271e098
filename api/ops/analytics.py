"""How the processes of this machine reach the owner of the analytics file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.duckdb.settings import OlapSettings
from adapters.postgres.roles import Role
from api.ops.metrics import short_socket

if TYPE_CHECKING:
    from api.settings import Settings


def olap_settings(settings: Settings, server: str) -> OlapSettings:
    """The settings of the owner and of its clients; the logs are read with the role that may read and no more."""
    folder = settings.olap_folder
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return OlapSettings(
        folder=folder,
        database_url=settings.dsn(Role.LOADER, server),
        listen=f"grpc+unix://{short_socket(folder, 'olap.sock')}",
        min_position_seconds=settings.min_position_wait,
    )
