"""The library's way to its infrastructure: a factory that environment variables describe.

PERSISTENCE_MODULE=adapters.eventstore.factory, and the names in `PenguinFactory`.
"""

from __future__ import annotations

from typing import TypeVar, cast
from uuid import UUID

from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    InfrastructureFactory,
    InfrastructureFactoryError,
    ProcessRecorder,
    TrackingRecorder,
)
from eventsourcing.utils import Environment, EnvType, resolve_topic

from adapters.eventstore.log import LogThread, PostgresLog
from adapters.eventstore.process import TenantProcessRecorder
from adapters.eventstore.recorder import TenantRecorder
from adapters.eventstore.tracking import PostgresTrackingRecorder

T = TypeVar("T", bound=TrackingRecorder)
C = TypeVar("C")


class PenguinFactory(InfrastructureFactory[PostgresTrackingRecorder]):
    """Recorders of one tenant's log in one database; they share its groups and connections."""

    LOG_TENANT_ID = "LOG_TENANT_ID"
    LOG_APPEND_DSN = "LOG_APPEND_DSN"
    LOG_READ_DSN = "LOG_READ_DSN"
    LOG_TRACKING_DSN = "LOG_TRACKING_DSN"

    def __init__(self, env: Environment | EnvType | None) -> None:
        """Start a thread for the log. Raises `InfrastructureFactoryError` where a setting is missing or unreadable."""
        super().__init__(env)
        try:
            self._tenant_id = UUID(self._setting(self.LOG_TENANT_ID))
        except ValueError as error:
            raise InfrastructureFactoryError(f"{self.LOG_TENANT_ID} must be a tenant's UUID") from error
        self._read_dsn = self._setting(self.LOG_READ_DSN)
        self._tracking_dsn = self._setting(self.LOG_TRACKING_DSN)
        self._trackers: list[PostgresTrackingRecorder] = []
        self._thread = LogThread(PostgresLog(self._setting(self.LOG_APPEND_DSN), self._read_dsn))

    def aggregate_recorder(self, purpose: str = "events") -> AggregateRecorder:
        """The application's recorder. Snapshots are kept by `application.ports.snapshots`, not by a recorder."""
        if purpose != "events":
            raise InfrastructureFactoryError(
                f"there is no recorder of {purpose} here: see docs/adr/eventsourcing-face.md"
            )
        return self.application_recorder()

    def application_recorder(self) -> ApplicationRecorder:
        """A recorder of the tenant's log."""
        chosen = self._chosen(self.APPLICATION_RECORDER_TOPIC, TenantRecorder)
        return chosen(self._thread.sync, self._tenant_id, listen_dsn=self._read_dsn)

    def tracking_recorder(self, tracking_recorder_class: type[T] | None = None) -> T:
        """A recorder of positions, of the given or the configured class."""
        configured = self._chosen(self.TRACKING_RECORDER_TOPIC, PostgresTrackingRecorder)
        chosen: type[TrackingRecorder] = tracking_recorder_class or configured
        if not issubclass(chosen, PostgresTrackingRecorder):
            raise InfrastructureFactoryError(f"{chosen.__name__} is no PostgresTrackingRecorder")
        made = chosen(self._tracking_dsn, self.env.name or "default")
        self._trackers.append(made)
        return cast("T", made)

    def process_recorder(self) -> ProcessRecorder:
        """A recorder of a process in the tenant's log."""
        chosen = self._chosen(self.PROCESS_RECORDER_TOPIC, TenantProcessRecorder)
        return chosen(self._thread.sync, self._tenant_id, listen_dsn=self._read_dsn)

    def close(self) -> None:
        """Finish what was accepted and close every connection."""
        super().close()
        for tracker in self._trackers:
            tracker.close()
        self._thread.close()

    def _setting(self, name: str) -> str:
        value = self.env.get(name)
        if not value:
            raise InfrastructureFactoryError(f"set {name}")
        return value

    def _chosen(self, name: str, default: type[C]) -> type[C]:
        topic = self.env.get(name)
        chosen = resolve_topic(topic) if topic else default
        if not (isinstance(chosen, type) and issubclass(chosen, default)):
            raise InfrastructureFactoryError(f"{name} must name a subclass of {default.__name__}")
        return chosen
