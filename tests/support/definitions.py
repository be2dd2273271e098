"""The versions of definitions that figures were given under, as a snapshot holds them: each is a contract.

A report's measure is known by its unit and nature, by the dimensions of its rows, and by its figures over one kept
history (`definitions.jsonl`, a line for each event, never edited). So its SQL may be written anew, and what it comes to
may not, unless the version of the report is raised.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from application.figures import plain
from application.ports.log import Recorded
from projections.finance.metrics import CATALOGUE
from projections.finance.profiles import PROFILES
from projections.olap.query import run_report
from projections.olap.report import ReportDefinition
from projections.olap.reports import REPORTS
from tests.support.converted_model import record
from tests.support.events import History
from tests.support.required import required
from tests.unit.olap.test_ingest import World

SNAPSHOT: Final = Path(__file__).parents[1] / "architecture" / "definitions.json"
EVENTS: Final = SNAPSHOT.with_suffix(".jsonl")
_WHOSE: Final = UUID(int=7**40)
Versions = dict[str, dict[str, dict[str, str]]]
"""By kind and name, then version, then what it defines: its fingerprint."""


def recorded() -> Versions:
    """Those that were accepted."""
    read: Versions = json.loads(SNAPSHOT.read_text("utf-8"))
    return read


def kept() -> History:
    """The history that the figures are of."""
    events = []
    for position, line in enumerate(EVENTS.read_text("utf-8").splitlines(), 1):
        one = json.loads(line)
        payload, metadata = json.dumps(one["payload"]).encode(), one["metadata"].encode()
        at = datetime.fromisoformat(one["recorded_at"])
        events.append(
            Recorded(_WHOSE, position, one["stream"], 1, one["name"], one["version"], payload, metadata, at)
        )
    return History(tenant_id=_WHOSE, events=events)


def _with_rates(history: History) -> History:
    """The same with rates of dollars and yen in euros, a week apart, for reports that convert."""
    rated = History(tenant_id=history.tenant_id, events=list(history.events))
    for number in range(60):
        day = date(2025, 6, 1) + timedelta(days=7 * number)
        for pair, rate in (("USD", "EUR"), f"0.9{number:02}"), (("EUR", "JPY"), f"1{number + 10}.25"):
            record(rated, *pair, day, rate)
    return rated


def current() -> Versions:
    """Those of this build."""
    history = kept()
    world, converting = World(history).catch_up(), World(_with_rates(history)).catch_up()
    found: Versions = {}
    for name, report in REPORTS.items():
        dated = "dating" in report.info.parameters["properties"]
        asked = ({}, {"dating": "posting"}, {"dating": "effective"}) if dated else ({},)
        needed = required(name)
        con = (converting if needed else world).store.writing
        answers = [run_report(con, name, history.tenant_id, needed | given).rows for given in asked]
        measures = _measures(report, answers[:2])
        for measure, told in _measures(report, answers[2:]).items() if dated else ():
            measures[f"{measure}, by effective days"] = told
        found[f"report {name}"] = {str(report.info.definition.version): measures}
    world.store.close()
    converting.store.close()
    for profile in PROFILES.values():
        switches = profile.model_dump(mode="json", exclude={"name", "about", "facts"})
        found[f"profile {profile.id}"] = {"1": {"switches": _fingerprint(switches)}}
    metrics = {one.id: _fingerprint([one.formula, one.unit, one.nature]) for one in CATALOGUE.metrics}
    return {**found, "metrics": {str(CATALOGUE.version): metrics}}


def _measures(report: ReportDefinition, answers: list[tuple[tuple[Any, ...], ...]]) -> dict[str, str]:
    """The fingerprint of each measure; of each metric apart where rows are of metrics, which may become more."""
    columns = report.info.columns
    names = [at for at, one in enumerate(columns) if one.kind == "dimension" and not one.tells]
    by_metric = columns[0].name == "metric"
    kinds = sorted({row[0] for rows in answers for row in rows}) if by_metric else [None]
    return {
        one.name if kind is None else f"{one.name} of {kind}": _fingerprint(
            [
                [columns[place].name for place in names],
                [one.unit, one.nature, one.parts, one.scale],
                [
                    [
                        [_rounded(row[place]) for place in (*names, at)]
                        for row in rows
                        if kind is None or row[0] == kind
                    ]
                    for rows in answers
                ],
            ]
        )
        for at, one in enumerate(columns)
        if one.kind == "measure"
        for kind in kinds
    }


def _rounded(value: Any) -> Any:
    """As it is compared: sums of fractions may differ in their last digits from build to build."""
    told_ = plain(value)
    return f"{told_:.9g}" if isinstance(told_, float) else told_


def _fingerprint(what: Any) -> str:
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]


def broken(accepted: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What was accepted and is another now, or is gone."""
    faults = []
    for name, versions in accepted.items():
        if name not in now:
            faults.append(f"{name}: figures were given under it, and it is gone")
            continue
        ((version, defines),) = now[name].items()
        if int(version) < max(map(int, versions)):
            faults.append(f"{name}: version {version} is older than what figures were given under")
        faults += [
            f"{name}, version {version}: {what} is another; raise the version"
            for what, fingerprint in versions.get(version, {}).items()
            if defines.get(what) != fingerprint
        ]
    return faults


def unrecorded(accepted: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What is new."""
    return [
        f"{name}, version {version}: {what}"
        for name, versions in now.items()
        for version, defines in versions.items()
        for what in defines
        if what not in accepted.get(name, {}).get(version, {})
    ]
