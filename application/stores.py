"""Every store of an installation, what it may hold of a person, and what an erasure does about it: the one registry.

An erasure's certificate has one line for each. `tables` are those of the database, by schema and name (`views.*`: every
view's); `folders` are below the data folder. A test holds that there is no table and no folder besides.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Action(StrEnum):
    """What an erasure does about a store."""

    KEY_DESTROYED = "key_destroyed"
    """It holds sealed values alone, and nobody can open them any more."""
    PURGED = "purged"
    """What was in it is deleted, and its files were written anew."""
    HOLDS_NOTHING = "holds_nothing"
    """No value of a person ever comes there."""
    EXPIRES = "expires"
    """It is gone by the day that the certificate names."""


@dataclass(frozen=True, slots=True)
class Store:
    """One line of a certificate. `proof`: what holds it, in words for whoever reads the certificate."""

    name: str
    holds: str
    action: Action
    proof: str
    tables: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()


KEYS: Final = Store(
    "keys",
    "the key that sealed the person's values; copies of its row in free pages and backups of the key store",
    Action.KEY_DESTROYED,
    "it is destroyed, and never made again; copies of its row alone open no more once the key that wraps it is rotated "
    "away, within a day and an hour; a backup that holds keks.json and master.key beside it opens it for as long as it "
    "is kept: PENGUINMAILS_BACKUP_DAYS",
    folders=("keys",),
)
LOG: Final = Store(
    "log",
    "what happened, with the person's values sealed; dates, kinds, countries and workspaces in the clear",
    Action.KEY_DESTROYED,
    "events are never changed, so that proofs over them hold; a replay shows [erased] where the values were",
    tables=("log.events", "log.heads"),
    folders=("postgres",),
)
VIEWS: Final = Store(
    "views",
    "the contacts of the person, in the clear",
    Action.PURGED,
    "every view has read past the erasure; the tables that held values were written anew with no old row left",
    tables=("views.*",),
)
LOOKED_BACK: Final = Store(
    "looked_back",
    "views as they were, made anew for whoever looks back: in temporary tables of a session, in the clear",
    Action.PURGED,
    "each is kept for minutes, in no write-ahead log and no backup, and dropped seconds after any key is destroyed; "
    "none is shown again after it, and what is made anew from then on has [erased] where the values were",
)
OPERATIONS: Final = Store(
    "operations",
    "receipts, snapshots of lists and imports, positions, jobs, progress of webhooks, rates: ids of things",
    Action.HOLDS_NOTHING,
    "receipts keep HMACs of a request, never its body; states with values of people are never kept as snapshots",
    tables=(
        "log.receipts",
        "ops.access_watches",
        "ops.job_runs",
        "ops.projection_positions",
        "ops.projection_versions",
        "ops.rate_limits",
        "ops.snapshots",
        "ops.tracking",
        "ops.webhook_runs",
    ),
)
ACCESS_LOG: Final = Store(
    "access_log",
    "who read what: ids of those who were shown, never what was looked for",
    Action.HOLDS_NOTHING,
    "addresses and texts that were looked for are not kept",
    tables=("log.access_events", "log.access_heads"),
)
LEDGER: Final = Store(
    "ledger",
    "hashes over both logs, and what was signed of them",
    Action.HOLDS_NOTHING,
    "a hash is made over sealed values: it tells nothing of them, and holds for ever whatever is erased",
    tables=(
        "ledger.checkpoints",
        "ledger.cosignatures",
        "ledger.epochs",
        "ledger.keys",
        "ledger.refusals",
        "ledger.tiles",
        "ledger.trees",
    ),
    folders=("witness",),
)
QUEUE: Final = Store(
    "queue",
    "ids of jobs",
    Action.HOLDS_NOTHING,
    "messages carry an id alone",
    tables=("dramatiq.queue",),
)
ANALYTICS: Final = Store(
    "analytics",
    "facts for reports: counts, kinds, dates, countries, positions, and ids of things as the log has them: those of "
    "the person and of their contacts too",
    Action.HOLDS_NOTHING,
    "no value of a person is taken in, and nothing that is made of one; an id is random, or was chosen by whoever made "
    "the contact, and shows nobody without what the destroyed key sealed; what was counted under it stays counted",
    folders=("olap",),
)
UPLOADS: Final = Store(
    "uploads",
    "uploaded files and their error files, each under the key of its import: the person may stand in one",
    Action.EXPIRES,
    "the key of each import is destroyed with its files a fixed time after its end",
    folders=("blobs",),
)
PACKS: Final = Store(
    "packs",
    "sealed board packs beside the uploads: counts, kinds, days, and a title that their sealer chose",
    Action.HOLDS_NOTHING,
    "reports hold no value of a person; who seals is told to name nobody in a title",
)
MEMORY: Final = Store(
    "memory",
    "keys and values at hand in running processes",
    Action.PURGED,
    "each looks at the key store's counter of destroyed keys before it opens anything; states with values are not kept",
)
LOG_LINES: Final = Store(
    "log_lines",
    "lines, figures and spans of the processes; the database server's own log",
    Action.HOLDS_NOTHING,
    "a key or a shape that the tables of log lines do not name is dropped; the server logs no statement and no detail",
    folders=("run",),
)
HANDED_OUT: Final = Store(
    "handed_out",
    "webhooks and reports",
    Action.HOLDS_NOTHING,
    "webhooks carry [sealed] where values are, reports hold none, and no answer is kept; what readers copied is theirs",
)
SECRETS: Final = Store(
    "secrets",
    "passwords of the database's roles",
    Action.HOLDS_NOTHING,
    "made of random bytes",
    folders=("secrets",),
)
WAL: Final = Store(
    "wal",
    "the database's write-ahead log: pages as they were, those of views in the clear",
    Action.EXPIRES,
    "PENGUINMAILS_WAL_DAYS; the embedded server begins a new segment each day and removes those before it",
)
BACKUPS: Final = Store(
    "backups",
    "copies of the database's folder, with views and write-ahead log; `penguinmails backup` and dumps leave views out",
    Action.EXPIRES,
    "PENGUINMAILS_BACKUP_DAYS; after a restore the keys that were destroyed are destroyed again from the log, and from "
    "the list of destroyed keys, which no backup is put back over",
)

STORES: Final = (
    KEYS,
    LOG,
    VIEWS,
    LOOKED_BACK,
    OPERATIONS,
    ACCESS_LOG,
    LEDGER,
    QUEUE,
    ANALYTICS,
    UPLOADS,
    PACKS,
    MEMORY,
    LOG_LINES,
    HANDED_OUT,
    SECRETS,
    WAL,
    BACKUPS,
)
"""All of them, in the order of a certificate."""
