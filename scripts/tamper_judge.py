"""What a tampered database, its bundle and `audit fsck` say, held against what its rows truly are."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import psycopg

from adapters.evidence.verdict import Outcome, Verdict
from adapters.evidence.verifying import Kept, verify_bundle
from adapters.evidence.writing import LogIncomplete
from adapters.keys.ed25519 import verify
from adapters.keys.notary import KeptSigningKeys, SqliteNotaryMemory
from adapters.keys.sqlite import SqliteKeyStore
from adapters.postgres.roles import Role, address
from domain.kernel.errors import Refusal
from projections.audit.fsck import Looked, logs_of, look, look_at_keys
from scripts.exporting import export
from scripts.tamper_acts import Case
from scripts.tamper_world import (
    RARE,
    World,
    checkpoint,
    leaves_there,
    rows,
    tiles_there,
)

NOTHING: Final = "nothing"
FEIGNED: Final = "a restore feigned"


@dataclass(slots=True)
class Truth:
    """What the rows say. Positions: the first that is not what was signed; None: none of those that were signed."""

    event: int | None
    tile: int | None
    presented: int | None
    """How many positions the latest checkpoint is of; None: there is none, or none that can be read."""

    wrong: frozenset[int] = field(repr=False)
    """All of them, of events and of hashes."""


@dataclass(slots=True)
class Result:
    """What became of a case."""

    act: str
    said: str
    found: list[str] = field(default_factory=list)
    exact: bool | None = None
    faults: list[str] = field(default_factory=list)


def role_of(world: World, dsn: str, role: Role) -> str:
    """The same database as the role connects."""
    return address(dsn, role, world.server.passwords)


def _truth(case: Case) -> Truth:
    true = case.world.leaves[case.of]
    there, tiles = there_by_position(case), tiles_there(case.admin, case.of)
    row = case.admin.execute(
        "SELECT note FROM ledger.trees WHERE tenant_id = %s AND log = %s", (*case.of,)
    ).fetchone()
    try:
        presented = None if row is None else checkpoint(bytes(row[0])).size
    except Exception:  # noqa: BLE001 - an altered note may be anything
        presented = None
    wrong_events = _wrong(true, there)
    wrong_tiles = _wrong(true, {at: [leaf] for at, leaf in enumerate(tiles, 1)})
    return Truth(
        min(wrong_events, default=None),
        min(wrong_tiles, default=None),
        presented,
        frozenset(wrong_events | wrong_tiles),
    )


def _wrong(true: Sequence[bytes], there: Mapping[int, list[bytes]]) -> set[int]:
    return {at for at, leaf in enumerate(true, 1) if there.get(at) != [leaf]}


def there_by_position(case: Case) -> dict[int, list[bytes]]:
    """The leaves that events make, by their positions; several where several events claim one."""
    found: dict[int, list[bytes]] = {}
    for one, leaf in zip(rows(case.admin, case.of), leaves_there(case.admin, case.of), strict=True):
        found.setdefault(one.position, []).append(leaf)
    return found


def judge(case: Case, dsn: str, keys: Path, result: Result, *, mirrored: bool, aside: bool) -> None:
    """Export, verify and look; what was found and what is wrong with it stands in the result."""
    truth = _truth(case)
    note = case.world.stages[case.old].notes[case.of]
    place = case.world.mirror(case.of, case.old) if mirrored else Path("nowhere")
    kept = [Kept("the kept checkpoint", note, place)]
    for names in ([], [RARE]):
        what = "a bundle of some events" if names else "the bundle"
        try:
            data = b"".join(asyncio.run(export(partial(role_of, case.world, dsn), case.of, names)))
        except (Refusal, LogIncomplete) as refused:
            result.found.append("export")
            result.faults += _refused(str(refused), truth, case, result.act)
            continue
        except Exception as error:  # noqa: BLE001 - that nothing else is raised is what is tried
            result.faults.append(f"{what}: the export failed, {type(error).__name__}: {error}")
            continue
        verdict = verify_bundle(io.BytesIO(data), kept, [case.world.key])
        if verdict.outcome is not Outcome.HOLDS:
            result.found.append("bundle")
        if not names:
            result.faults += _verdict(verdict, truth, case, result, mirrored=mirrored)
        elif verdict.first_wrong and not _near(verdict, truth):
            result.faults.append(f"{what}: {verdict.first_wrong} is not where it is: {truth}")
    _fsck(case, dsn, keys, result, truth)
    healed = "ran on" in result.said and _healed(truth, case)
    if healed and not result.found:
        result.found.append("put right")
    if result.act == NOTHING:
        result.found = [who for who in result.found if who != "put right"]
        result.faults += [f"{who} finds something where nothing is" for who in result.found]
    elif not result.found and not healed:
        result.faults.append("it was not found")
    elif not aside and not healed and not {"bundle", "export"} & set(result.found):
        result.faults.append("it was not found offline")


def _healed(truth: Truth, case: Case) -> bool:
    """Whether the notary, going on, put right what was done."""
    return (truth.event, truth.tile) == (None, None) and (truth.presented or 0) > case.size


def _firsts(truth: Truth, case: Case) -> list[int]:
    """Positions any of which may be named as the first wrong one, the first of them first."""
    presented = truth.presented
    some = [
        at for at in (truth.event, truth.tile) if at is not None and (presented is None or at <= presented)
    ]
    if presented is not None and presented < case.old_size:
        some.append(presented + 1)
    return sorted(some)


def _refused(words: str, truth: Truth, case: Case, act: str) -> list[str]:
    """What is wrong with a refusal: it has to name a wrong position, or what is wrong where no position is."""
    if act == NOTHING:
        return [f"the export refuses what is whole: {words}"]
    named = [int(one) for one in re.findall(r"[Pp]ositions? (\d+)", words)]
    first = [at for at in (truth.event, truth.tile) if at is not None]
    if not first:
        return (
            []
            if named or "heckpoint" in words or "signed" in words
            else [f"the export names nothing: {words}"]
        )
    if set(named) & truth.wrong:
        return []
    if "is a decision that none of ours is" in words and set(range(named[0], case.size + 1)) & truth.wrong:
        return []
    return [f"the export refuses, and names no wrong position ({truth}): {words}"]


def _near(verdict: Verdict, truth: Truth) -> bool:
    if not truth.wrong or _unsigned(verdict):
        return True
    lacking = truth.wrong | {(truth.presented or 0) + 1}
    return any(place.first <= at <= place.last for place in verdict.first_wrong for at in lacking)


def _unsigned(verdict: Verdict) -> bool:
    """Whether the bundle's own checkpoint is not signed: then what it is of is nobody's word."""
    return any("is not signed by a key that was given" in one for one in verdict.wrong)


def _verdict(verdict: Verdict, truth: Truth, case: Case, result: Result, *, mirrored: bool) -> list[str]:
    firsts = _firsts(truth, case)
    told = f"{verdict.first_wrong} ({truth}, old {case.old_size}): {verdict.wrong[:4]} {verdict.unjudged}"
    if not firsts:
        return []
    if (
        verdict.outcome is Outcome.CANNOT_BE_JUDGED
        and f"from position {firsts[0]} on," in verdict.unjudged[0]
    ):
        result.exact = True
        return []
    if verdict.outcome is Outcome.HOLDS:
        return [f"the bundle holds: {told}"]
    if not verdict.first_wrong:
        return [f"the bundle names no position: {told}"]
    (place,) = verdict.first_wrong
    first, event = firsts[0], truth.event
    inside = [at for at in firsts if place.first <= at <= place.last]
    if not inside or (inside[0] != first and not mirrored):
        return [f"the bundle names another position: {told}"]
    result.exact = place.first == place.last
    if first <= case.old_size < place.last:
        return [f"the bundle names more than the kept checkpoint leaves: {told}"]
    exactly = truth.tile is None or event is None or first == (truth.presented or 0) + 1
    exactly = exactly and not _unsigned(verdict)
    if mirrored and event is not None and event <= min(case.old_size, truth.presented or 0):
        exactly = True
    if any("of a later epoch" in one for one in verdict.unjudged):
        exactly = False  # what lies between the epochs is not known
    if exactly and not result.exact:
        return [f"the bundle does not name it exactly: {told}"]
    return []


def _fsck(case: Case, dsn: str, keys: Path, result: Result, truth: Truth) -> None:
    memory, store = SqliteNotaryMemory(keys), SqliteKeyStore(keys)
    with psycopg.connect(role_of(case.world, dsn, Role.NOTARY), autocommit=True) as connection:
        ours = KeptSigningKeys(store, memory).ever()
        found: list[Looked] = [
            look(connection, one, memory.history(one[0]), verify, keys=ours.values())
            for one in logs_of(connection, case.of.tenant_id)
            if one[0] == case.of
        ]
        wrong = look_at_keys(connection, ours)
    memory.close()
    store.close()
    wrong += [said for one in found for said in one.wrong]
    if wrong:
        result.found.append("fsck")
    firsts = sorted(at for at in (truth.event, truth.tile) if at is not None)
    if result.act == FEIGNED:
        return  # the database alone cannot tell it from one that was; the notary signs that it lost a tail
    if firsts and not wrong:
        result.faults.append(f"fsck finds nothing ({truth})")
    if firsts and wrong:
        place = found[0].place
        if place is None or not place[0] <= firsts[0] <= place[1]:
            result.faults.append(f"fsck names {place} ({truth}): {wrong[:4]}")
        elif truth.tile is None and max(truth.presented or 0, 0) >= case.old_size and place[0] != place[1]:
            result.faults.append(f"fsck names {place} and not exactly ({truth}): {wrong[:4]}")
