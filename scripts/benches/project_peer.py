"""The library's own way to the same contact view: an aggregate, a tracking recorder as the view, a ProjectionRunner.

Its personal fields are in the clear; ours are encrypted and opened. One row and one tracking record an event, as the
library's documentation shows it.
"""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresDatastore, PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg.sql import SQL, Composed

COLUMNS = (
    "contact_id",
    "workspace_id",
    "addressee_id",
    "email",
    "first_name",
    "last_name",
    "company",
    "title",
    "phone",
    "country",
)


class Contact(Aggregate):
    """A contact as an aggregate of the library."""

    class Created(Aggregate.Created):
        """A contact is there."""

        contact: dict[str, str]

    @event(Created)
    def __init__(self, contact: dict[str, str]) -> None:
        """Take its values."""
        self.contact = contact


class Contacts(Application[UUID]):
    """Where they are recorded."""


class ContactView(PostgresTrackingRecorder):
    """The view: one table with the keys and indexes of ours. Notes when its first row began and its last was there."""

    began = 0.0
    ended = 0.0

    def __init__(self, datastore: PostgresDatastore, **kwargs: Any) -> None:
        """Add the table to what the recorder makes."""
        super().__init__(datastore, **kwargs)
        columns = ", ".join(f'{name} text COLLATE "C"' for name in COLUMNS)
        self.sql_create_statements.append(
            Composed(
                [
                    SQL(
                        f"CREATE TABLE IF NOT EXISTS contact_view ({columns}, id bigint, PRIMARY KEY (contact_id))"
                    )
                ]
            )
        )
        for index in ("email", "id", "workspace_id, id"):
            name = f"contact_view_{index.partition(',')[0]}"
            self.sql_create_statements.append(
                Composed([SQL(f"CREATE INDEX IF NOT EXISTS {name} ON contact_view ({index})")])
            )

    def add(self, contact: dict[str, str], tracking: Tracking) -> None:
        """A row, and how far the view has come, in one transaction."""
        self.began = self.began or time.perf_counter()
        names = ", ".join((*COLUMNS, "id"))
        places = ", ".join(["%s"] * (len(COLUMNS) + 1))
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(
                SQL(f"INSERT INTO contact_view ({names}) VALUES ({places})"),  # noqa: S608 - constants
                (*(contact[name] for name in COLUMNS), tracking.notification_id),
                prepare=True,
            )
        self.ended = time.perf_counter()


class ContactProjection(Projection[ContactView]):
    """What becomes of each event."""

    name = "contactview"

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        """Add the contact of an event to the view."""
        self.view.add(domain_event.contact, tracking)


def events_per_s(environment: dict[str, str], contacts: list[dict[str, str]]) -> float:
    """Record the contacts, then let the runner make the view of them; its rate.

    From the arrival of the first event to the commit of the last: neither the runner's start nor the pauses of `wait`,
    which grow to 0.8 s, count against it.
    """
    with Contacts(environment) as application:
        recorded = [
            application.save(*(Contact(contact) for contact in contacts[start : start + 500]))[-1]
            for start in range(0, len(contacts), 500)
        ]
    with ProjectionRunner(
        application_class=Contacts,
        projection_class=ContactProjection,
        view_class=ContactView,
        env=environment,
    ) as runner:
        runner.wait(recorded[-1].notification.id, timeout=300)
        return len(contacts) / (runner.view.ended - runner.view.began)
