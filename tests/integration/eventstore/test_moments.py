"""Moments of the log are in UTC whatever zone the server is set to: proofs are made over their text."""

from __future__ import annotations

from datetime import timedelta

import psycopg
from psycopg import sql

from adapters.eventstore.codec import envelope
from application.ports.log import Append
from tests.support.database import Database
from tests.support.logs import event, opened, running


def test_a_server_in_another_zone_changes_no_envelope(database: Database) -> None:
    with psycopg.connect(database.admin, autocommit=True) as connection:
        connection.execute(
            sql.SQL("ALTER DATABASE {} SET timezone = 'America/New_York'").format(
                sql.Identifier(database.name)
            )
        )
    with running(database) as thread:
        (tenant,) = opened(thread)
        done = thread.sync.append(Append(tenant, (event("a:1"),)))
        (found,) = thread.sync.read_log(tenant)
    assert done.recorded_at.utcoffset() == found.recorded_at.utcoffset() == timedelta(0)
    assert found.recorded_at == done.recorded_at
    moment = done.recorded_at.isoformat(timespec="microseconds").replace("+00:00", "Z")
    assert f'"recorded_at":"{moment}"'.encode() in envelope(found)
