"""Reads the SQL models and makes of them what an ingest runs."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from domain.kernel.permissions import Permission
from projections.finance.profiles import PROFILES, Profile

_FOLDER: Final = Path(__file__).with_name("models")
_SECTION: Final = re.compile(r"^-- == (\w+)$", re.MULTILINE)
_HANDLES: Final = re.compile(r"^-- Handles: ([a-z_]+\.[a-z_]+) (\d+)$", re.MULTILINE)
_PERMISSION: Final = re.compile(r"^-- Permission: (.+)$", re.MULTILINE)
_DERIVED: Final = re.compile(r"^-- Derived from: (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Model:
    """One OLAP model. `handles`: the newest schema version of each event whose payload it reads.

    `sources`: of one with a `derive` section, the models that it is made of; its SQL names them plainly.
    `permission`: what an analyst needs to name it, beside that of asking SQL at all.
    """

    name: str
    about: str
    handles: dict[str, int]
    sections: dict[str, str]
    sources: tuple[str, ...] = ()
    permission: Permission = Permission.REPORTS_READ

    @property
    def shape(self) -> str | None:
        """The fields it takes of a payload, compact, as `json_transform` wants them; None where it reads none."""
        text = self.sections.get("shape")
        return None if text is None else json.dumps(json.loads(text), separators=(",", ":"))


def read_model(name: str, text: str) -> Model:
    """A model of the text of its file.

    Raises `ValueError` for one that handles events without a shape, is derived without saying from what, or names a
    permission that there is not.
    """
    about, *parts = _SECTION.split(text)
    sections = {key: body.strip() for key, body in zip(parts[::2], parts[1::2], strict=True)}
    handles = {event: int(version) for event, version in _HANDLES.findall(about)}
    if bool(handles) != ("shape" in sections) or "table" not in sections:
        raise ValueError(f"model {name}: needs a table, and a shape exactly when it handles events")
    sources = tuple(source for told in _DERIVED.findall(about) for source in told.split(", "))
    if bool(sources) != ("derive" in sections):
        raise ValueError(f"model {name}: needs to say what it is derived from exactly when it is derived")
    needed = _PERMISSION.search(about)
    permission = Permission(needed[1]) if needed else Permission.REPORTS_READ
    return Model(name, about, handles, sections, sources, permission)


MODELS: Final = tuple(
    read_model(path.stem, path.read_text("utf-8")) for path in sorted(_FOLDER.glob("*.sql"))
)
FACTS: Final = tuple(model.name for model in MODELS if "rows" in model.sections)
"""The tables whose rows come from events and carry tenant_key."""

EVENTS: Final = "fact_event"
ROLLED_UP: Final = {model.name: model.sections["fill"] for model in MODELS if "fill" in model.sections}
"""By name of each roll-up, the query over all events that makes it; its rows hold no positions."""

HANDLED: Final = {event: version for model in MODELS for event, version in model.handles.items()}
"""Newest schema version that the models read, by event."""


def quoted(text: str) -> str:
    """A string literal."""
    return "'" + text.replace("'", "''") + "'"


PROFILE: Final = "profile"
"""What derived models name besides their sources: the definition profiles under which they are made."""


def profile_rows(profiles: Iterable[Profile]) -> str:
    """The query that makes the table of definition profiles."""
    rows = ", ".join(
        f"({quoted(told.id)}, [{', '.join(map(quoted, told.statuses))}], {told.metered}, {quoted(told.coupons)},"
        f" {quoted(told.churn_at)}, {quoted(told.unit)}, {told.grouping_minutes},"
        f" {'NULL' if told.reactivation_days is None else told.reactivation_days}::INTEGER,"
        f" {quoted(told.short_stays)})"
        for told in profiles
    )
    return f"""
        SELECT * FROM (VALUES {rows}) AS told (
            profile, statuses, metered, coupons, churn_at, unit, grouping_minutes, reactivation_days, short_stays
        )
    """  # noqa: S608 - quoted words of our own profiles


FINGERPRINT: Final = hashlib.sha256(
    "\n".join(
        [
            *(text for model in MODELS for text in (model.name, *model.sections.values())),
            profile_rows(PROFILES.values()),
        ]
    ).encode()
).hexdigest()[:16]
"""A file made by other models is not read on: it is rebuilt."""


def names(events: dict[str, int]) -> str:
    """The events as a list of literals."""
    return ", ".join(quoted(event) for event in sorted(events))


def tables() -> str:
    """What a new file begins with. `meta.complete`: every log was read to its head once."""
    meta = f"""
        CREATE TABLE meta (models VARCHAR NOT NULL, complete BOOLEAN NOT NULL);
        INSERT INTO meta VALUES ({quoted(FINGERPRINT)}, false);
    """  # noqa: S608 - our own constant
    return "\n".join([meta, *(model.sections["table"] for model in MODELS)])


def batch(models: Iterable[Model] = MODELS) -> str:
    """Events in Arrow (`incoming`) as these models see them: typed, with the allowed fields of payloads."""
    shapes = "".join(
        f""",
            CASE WHEN name IN ({names(model.handles)}) THEN
                TRY(json_transform(decode(payload), {quoted(model.shape)}))
            END AS {model.name}"""
        for model in models
        if model.shape is not None
    )
    return f"""
        SELECT
            tenant_key,
            position,
            recorded_at,
            recorded_at::DATE AS day,
            split_part(name, '.', 1) AS context,
            name,
            schema_version,
            nullif(left(actor, strpos(actor, '"') - 1), '') AS actor_kind,
            split_part(stream, ':', 1) AS stream_category,
            CASE WHEN length(stream) > 36 THEN TRY_CAST(right(stream, 36) AS UUID) END AS stream_id{shapes}
        FROM incoming JOIN dim_tenant USING (tenant_id)
    """  # noqa: S608 - names and shapes are those of our own model files


def insert(table: str, rows: str) -> str:
    """Add rows to a table; columns are matched by name, computed ones are left to the table."""
    return f"INSERT INTO {table} BY NAME {rows}"


def fold(model: Model) -> str:
    """Replace the rows of a roll-up by fewer ones that sum to the same."""
    return f"""
        CREATE OR REPLACE TEMP TABLE folded AS {model.sections["compact"]};
        DELETE FROM {model.name};
        {insert(model.name, "SELECT * FROM folded")};
        DROP TABLE folded;
    """  # noqa: S608 - our own table names


def problems(models: Iterable[Model] = MODELS) -> str:
    """Per tenant the first event of the batch that cannot be taken in, and why; the batch is as these models see it."""
    models = tuple(models)
    own = [f"({model.sections['problem']})" for model in models if "problem" in model.sections]
    unread = [
        f"CASE WHEN name IN ({names(model.handles)}) AND {model.name} IS NULL THEN 'its payload is no JSON' END"
        for model in models
        if model.handles
    ]
    reasons = ", ".join([newer(models), *unread, *own])
    return f"""
        SELECT tenant_key, min(position), arg_min(name || ': ' || reason, position)
        FROM (SELECT tenant_key, position, name, coalesce({reasons}) AS reason FROM batch)
        WHERE reason IS NOT NULL
        GROUP BY tenant_key
    """  # noqa: S608 - put together from our own model files


def newer(models: Iterable[Model] = MODELS) -> str:
    """Why an event of a version from a newer build cannot be taken in; NULL for others. An expression over `batch`."""
    newest = {event: version for model in models for event, version in model.handles.items()}
    if not newest:
        return "NULL::VARCHAR"
    reads = " ".join(f"WHEN {quoted(event)} THEN {version}" for event, version in sorted(newest.items()))
    return f"""
        CASE WHEN schema_version NOT BETWEEN 1 AND CASE name {reads} END THEN
            'it has schema version ' || schema_version || ' and this build reads up to ' || CASE name {reads} END
        END
    """
