"""The queue of job ids, on dramatiq: Postgres by default, RabbitMQ or Redis by the setting's address.

dramatiq carries ids and keeps threads, nothing more: attempts, pauses, leases and failures stand in `ops.job_runs`.
So none of its middleware is used; its time limit would cut an import off after ten minutes, its retries would be a
second opinion on when to try again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit
from uuid import UUID

import dramatiq
import dramatiq_postgres
import psycopg
from psycopg.conninfo import conninfo_to_dict

if TYPE_CHECKING:
    from collections.abc import Callable

_QUEUE: Final = "jobs"


class BrokerUnusable(Exception):
    """The broker's address cannot be used; the message says what would help."""


class JobQueue:
    """Sends job ids, and hands those that arrive to `run` in threads of its own."""

    def __init__(self, broker: dramatiq.Broker, run: Callable[[UUID], object]) -> None:
        """`run(job_id)` may be called twice for one id, and from several threads at once."""
        self._broker = broker
        self._own_ids = isinstance(broker, dramatiq_postgres.PostgresBroker)
        self._worker: dramatiq.Worker | None = None

        def run_job(job_id: str) -> None:
            run(UUID(job_id))

        self._actor = dramatiq.actor(broker=broker, queue_name=_QUEUE)(run_job)

    def send(self, job_id: UUID) -> None:
        """Put a job's id into the queue. On Postgres an id that is in it already is not doubled."""
        message = self._actor.message(str(job_id))
        if self._own_ids:
            message = message.copy(message_id=str(job_id))
        self._broker.enqueue(message)

    def start(self, threads: int) -> None:
        """Begin to take ids out, `threads` at a time."""
        self._worker = dramatiq.Worker(self._broker, queues={_QUEUE}, worker_threads=threads)
        self._worker.start()

    def stop(self, patience: float) -> None:
        """Take out no more, wait up to `patience` seconds for what runs, and close the connections."""
        if self._worker is not None:
            self._worker.stop(timeout=int(patience * 1000))
            self._worker = None
        self._broker.close()


def open_queue(address: str | None, postgres: str, run: Callable[[UUID], object]) -> JobQueue:
    """The queue at `address` (PENGUINMAILS_BROKER_URL), or in the product's own Postgres where there is none.

    `postgres` is a libpq address of a role that may make a schema. Raises `BrokerUnusable`.
    """
    return JobQueue(_broker(address, postgres), run)


def _broker(address: str | None, postgres: str) -> dramatiq.Broker:
    scheme = "" if address is None else urlsplit(address).scheme
    if address is None or scheme in ("postgresql", "postgres"):
        return _postgres(address or postgres)
    try:
        if scheme in ("amqp", "amqps"):
            from dramatiq.brokers.rabbitmq import RabbitmqBroker  # noqa: PLC0415 - its client is optional

            return RabbitmqBroker(url=address, middleware=[])
        if scheme in ("redis", "rediss"):
            from dramatiq.brokers.redis import RedisBroker  # noqa: PLC0415 - its client is optional

            redis: dramatiq.Broker = RedisBroker(url=address, middleware=[])  # type: ignore[no-untyped-call]  # untyped there
            return redis
    except ImportError as error:
        client = {"amqp": "rabbitmq", "amqps": "rabbitmq"}.get(scheme, "redis")
        raise BrokerUnusable(
            f"PENGUINMAILS_BROKER_URL: install the client for {scheme}: pip install 'dramatiq[{client}]'"
        ) from error
    raise BrokerUnusable(
        f"PENGUINMAILS_BROKER_URL: {scheme or 'it'} is not known; use postgresql://, amqp:// or redis://"
    )


def _postgres(address: str) -> dramatiq.Broker:
    """The schema is made first: without it every send would be retried, silently, for minutes."""
    with psycopg.connect(address) as connection, connection.cursor() as cursor:
        dramatiq_postgres.init(cursor)
    known: dict[str, Any] = {
        key: value for key, value in conninfo_to_dict(address).items() if value is not None
    }
    broker: dramatiq.Broker = dramatiq_postgres.PostgresBroker(
        url=known,
        results=False,  # nobody asks for results; they would need a table and a connection
        middleware=[],
        heartbeat_interval=5.0,
        heartbeat_ttl=20.0,
        maintenance_interval=10.0,
    )
    return broker
