"""Where the owner of the analytics file listens: said once, for it and for those who ask it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.duckdb.settings import OlapSettings, SqlLimits
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
        recent_seconds=settings.report_age_seconds,
        sql=sql_limits(settings),
        listen=f"grpc+unix://{short_socket(settings.olap_folder, 'olap.sock')}",
    )


def sql_limits(settings: Settings) -> SqlLimits:
    """What a query of an analyst may take."""
    return SqlLimits(
        seconds=settings.sql_seconds,
        memory_mb=settings.sql_memory_mb,
        rows=settings.sql_rows,
        megabytes=settings.sql_answer_mb,
        per_tenant=settings.sql_per_tenant,
        at_once=settings.sql_at_once,
    )
