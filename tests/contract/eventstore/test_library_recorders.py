"""The `eventsourcing` library's own test cases, on our recorders, once on each version of Postgres.

What does not apply, and why, stands in docs/adr/eventsourcing-face.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar
from uuid import uuid4

import pytest
from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    ProcessRecorder,
    TrackingRecorder,
)
from eventsourcing.tests.persistence import (
    ApplicationRecorderTestCase,
    InfrastructureFactoryTestCase,
    NonInterleavingNotificationIDsBaseCase,
    ProcessRecorderTestCase,
    TrackingRecorderTestCase,
)
from eventsourcing.utils import Environment

from adapters.eventstore.factory import PenguinFactory
from adapters.eventstore.log import LogThread, PostgresLog
from adapters.eventstore.process import TenantProcessRecorder
from adapters.eventstore.recorder import TenantRecorder
from adapters.eventstore.tracking import PostgresTrackingRecorder
from tests.support.database import Database, fresh_database, needs_postgres_15

# unittest's classes take no parameters, so each case stands here once for each version.


class OnPostgres:
    """A database and a log of their own for each test."""

    server: ClassVar[str] = "postgres"
    database: Database
    thread: LogThread
    trackers: list[PostgresTrackingRecorder]

    @pytest.fixture(autouse=True)
    def _own_log(self, request: pytest.FixtureRequest) -> Iterator[None]:
        with fresh_database(request.getfixturevalue(self.server)) as self.database:
            self.thread = LogThread(PostgresLog(self.database.appender, self.database.loader))
            self.trackers = []
            yield
            for tracker in self.trackers:
                tracker.close()
            self.thread.close()


class TestApplicationRecorder(OnPostgres, ApplicationRecorderTestCase[TenantRecorder]):
    def create_recorder(self) -> TenantRecorder:
        return TenantRecorder(self.thread.sync, uuid4(), listen_dsn=self.database.loader)

    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


class TestNonInterleaving(OnPostgres, NonInterleavingNotificationIDsBaseCase):
    def create_recorder(self) -> TenantRecorder:
        return TenantRecorder(self.thread.sync, uuid4())


class TestTrackingRecorder(OnPostgres, TrackingRecorderTestCase):
    def create_recorder(self) -> PostgresTrackingRecorder:
        self.trackers.append(PostgresTrackingRecorder(self.database.projector))
        return self.trackers[-1]


class TestProcessRecorder(OnPostgres, ProcessRecorderTestCase):
    def create_recorder(self) -> TenantProcessRecorder:
        return TenantProcessRecorder(self.thread.sync, uuid4())


class TestProcessRecorderAsApplicationRecorder(
    OnPostgres, ApplicationRecorderTestCase[TenantProcessRecorder]
):
    def create_recorder(self) -> TenantProcessRecorder:
        return TenantProcessRecorder(self.thread.sync, uuid4())

    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


class TestProcessRecorderAsTrackingRecorder(OnPostgres, TrackingRecorderTestCase):
    def create_recorder(self) -> TenantProcessRecorder:
        return TenantProcessRecorder(self.thread.sync, uuid4())


class SpecialTracking(PostgresTrackingRecorder):
    pass


class TestFactory(OnPostgres, InfrastructureFactoryTestCase[PenguinFactory]):
    def setUp(self) -> None:
        self.env = Environment("TestCase")
        self.env["PERSISTENCE_MODULE"] = "adapters.eventstore.factory"
        self.env[PenguinFactory.LOG_TENANT_ID] = str(uuid4())
        self.env[PenguinFactory.LOG_APPEND_DSN] = self.database.appender
        self.env[PenguinFactory.LOG_READ_DSN] = self.database.loader
        self.env[PenguinFactory.LOG_TRACKING_DSN] = self.database.projector
        super().setUp()

    def expected_factory_class(self) -> type[PenguinFactory]:
        return PenguinFactory

    def expected_aggregate_recorder_class(self) -> type[AggregateRecorder]:
        return TenantRecorder

    def expected_application_recorder_class(self) -> type[ApplicationRecorder]:
        return TenantRecorder

    def expected_tracking_recorder_class(self) -> type[TrackingRecorder]:
        return PostgresTrackingRecorder

    def tracking_recorder_subclass(self) -> type[TrackingRecorder]:
        return SpecialTracking

    def expected_process_recorder_class(self) -> type[ProcessRecorder]:
        return TenantProcessRecorder


def on_15(case: type[Any]) -> type[Any]:
    """The same case on the oldest version."""
    return needs_postgres_15(type(f"{case.__name__}On15", (case,), {"server": "postgres_15"}))


TestApplicationRecorderOn15 = on_15(TestApplicationRecorder)
TestNonInterleavingOn15 = on_15(TestNonInterleaving)
TestTrackingRecorderOn15 = on_15(TestTrackingRecorder)
TestProcessRecorderOn15 = on_15(TestProcessRecorder)
TestFactoryOn15 = on_15(TestFactory)
