"""A question to a server that stands still: who has waited long enough waits a second more at most, not ten."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.processes import postmaster
from adapters.postgres.prompt import PromptConnection

ENOUGH = 0.2
"""Seconds that the asker waits for an answer."""
BOUND = 4.0
"""Seconds after which it is over on a busy machine too; as psycopg has it, it takes ten."""


@contextmanager
def standing_still(cluster: Path) -> Iterator[None]:
    """Every process of a server stopped in its tracks: connections stay open, and nothing is heard."""
    server = postmaster(cluster)
    assert server is not None
    stopped = [server, *server.children(recursive=True)]
    for process in stopped:
        process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in stopped:
            process.send_signal(signal.SIGCONT)


async def broken_off(connection: PromptConnection, question: str) -> float:
    """Seconds until a question is given up."""
    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(connection.execute(question.encode()), ENOUGH)
    return time.monotonic() - begun


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One that another user, whom the server runs as, can enter."""
    tmp_path.chmod(0o755)
    return tmp_path


async def test_a_question_to_a_server_that_stands_still_ends_soon_and_its_connection_is_given_up(
    folder: Path,
) -> None:
    with EmbeddedPostgres(folder / "data") as server:
        connection = await PromptConnection.connect(server.admin_dsn, autocommit=True)
        # A server that hears breaks off, and the connection goes on.
        assert await broken_off(connection, "SELECT pg_sleep(60)") < BOUND
        assert await (await connection.execute("SELECT 1")).fetchone() == (1,)
        with standing_still(server.place.cluster):
            assert await broken_off(connection, "SELECT 1") < BOUND
            assert connection.closed
        again = await PromptConnection.connect(server.admin_dsn, autocommit=True)
        assert await (await again.execute("SELECT 2")).fetchone() == (2,)
        await again.close()
