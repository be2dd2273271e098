"""Letters that are owed and wait for the mail server: what it said last stands in the run of each one's job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import psycopg

from application.ports.delivering import MailTrouble
from domain.billing.notices import NotSentReason
from projections.runtime.builds import live_schema

if TYPE_CHECKING:
    from collections.abc import Mapping

ABOUT: Final = {
    "letters_waiting": "Letters about bills that are due and that the mail server did not take over when last asked.",
    "letters_oldest_s": "Seconds that the longest due of them has been due.",
}
_OF_A_LETTER: Final = (MailTrouble.PUT_OFF, MailTrouble.DENIED)
_OF_THE_SERVER: Final = tuple(one.value for one in MailTrouble if one not in _OF_A_LETTER)
_SAID: Final = tuple(one.value for one in MailTrouble)
TROUBLES: Final = (*_SAID, NotSentReason.NO_MAIL.value)
"""What a letter waits for, in the word that it is settled by in the end."""
JOINED: Final = (
    "LEFT JOIN ops.job_runs r ON r.tenant_id = t.tenant_id AND r.job_id = t.job_id AND t.status = 'owed'"
)
"""The run of its job, beside a letter that is owed."""
COMPUTED: Final = {
    "trouble": "coalesce(t.trouble, CASE WHEN r.error = ANY(%(troubles)s) THEN r.error END)",
    "next_try_at": "CASE WHEN r.state = 'waiting' THEN r.until END",
}
_COUNTS: Final = """
    SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(j.due_at)), 0)::float8,
        (array_agg(r.error ORDER BY r.updated_at DESC) FILTER (WHERE r.error = ANY(%(server)s) AND NOT EXISTS (
            SELECT FROM {notices}.notices n WHERE n.settled_at > r.updated_at AND n.mailed > 0)))[1]
    FROM ops.job_runs r JOIN {jobs}.jobs j ON j.tenant_id = r.tenant_id AND j.job_id = r.job_id
    WHERE r.workflow = 'billing.notify' AND r.state IN ('sent', 'running', 'waiting') AND r.error = ANY(%(said)s)
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Letters of all tenants, the oldest due for `oldest_s`.

    `trouble`: why the server took nobody's when last asked; None: it took another since, or may.
    """

    letters: int
    oldest_s: float
    trouble: str | None


def waiting(dsn: str) -> Waiting | None:
    """What waits now; None where the database or one of the views is away. `dsn`: of the projector."""
    values = {"server": list(_OF_THE_SERVER), "said": list(_SAID)}
    try:
        with psycopg.connect(dsn, autocommit=True, connect_timeout=1) as connection:
            jobs, notices = live_schema(connection, "jobs"), live_schema(connection, "billing_notices")
            if jobs is None or notices is None:
                return None
            text = _COUNTS.format(jobs=jobs[1], notices=notices[1])
            row = connection.execute(text.encode(), values).fetchone()
    except psycopg.Error:
        return None
    return None if row is None else Waiting(*row)


def figures(dsn: str) -> Mapping[str, float]:
    """The figures by the names of `ABOUT`; none where the database is away."""
    found = waiting(dsn)
    return {} if found is None else dict(zip(ABOUT, (float(found.letters), found.oldest_s), strict=True))
