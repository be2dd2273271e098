"""The tamper harness: signed logs are changed at random, with every right over the database, and then judged offline.

Each case is a copy of a database whose logs were signed for some hours. Outside of it are an hour's checkpoint, in half
of the cases that hour's tiles, and the verifier key. After the tampering, in half of the cases the notary runs on, and
must sign nothing that contradicts what it signed. Then a bundle is exported by the product and verified without the
database, and `audit fsck` looks at it. The truth is not what an act says it did: it is read from the rows.
"""

from __future__ import annotations

import argparse
import json
import random
import secrets
import shutil
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import psycopg

from adapters.keys.notary import SqliteNotaryMemory
from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.migrate import migrate
from adapters.postgres.roles import Role
from domain.audit.tree import Frontier
from scripts.tamper_acts import ON_EVENTS, Act, Case
from scripts.tamper_judge import NOTHING, Result, judge, role_of, there_by_position
from scripts.tamper_ledger_acts import ASIDE, ON_LEDGER, THOROUGH, rewrite
from scripts.tamper_page import COLUMNS, page
from scripts.tamper_world import (
    World,
    add,
    checkpoint,
    copied,
    made_world,
    signed,
)

QUICK: Final = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "50",
}
ACTS: Final[dict[str, Act]] = {**ON_EVENTS, **ON_LEDGER, **ASIDE}
_ASIDE: Final = 10
"""So many cases that show in a bundle, to one that does not."""

ROLLED_BACK: Final = "the whole database rolled back"


def one_case(world: World, name: str, drawn: random.Random, folder: Path) -> Result:
    """Tamper, judge, and say what is wrong with the verdicts."""
    of = drawn.choice(list(world.leaves)[:2])
    hours = [hour for hour in world.held(of) if hour > 0]
    rolled = name == ROLLED_BACK
    old = drawn.choice(hours[1:] if rolled else hours)
    earlier = [hour for hour in world.held(of) if hour < old] if rolled else []
    template = world.stages[drawn.choice(earlier) if rolled else -1].database
    mirrored, runs_on = drawn.random() < 0.5, drawn.random() < 0.5
    with ExitStack() as stack:
        dsn = stack.enter_context(copied(world.server, template))
        admin = stack.enter_context(psycopg.connect(dsn, autocommit=True))
        case = Case(drawn, world, of, old, admin)
        if rolled:
            if drawn.random() < 0.5:
                case.said.append("other events followed")
                add(admin, of, drawn.randint(1, case.size), case.stage.at)
        elif name != NOTHING:
            ACTS[name](case)
            if ACTS[name] in THOROUGH and drawn.random() < 0.6:
                rewrite(case)
        if runs_on:
            case.said.append("the notary ran on")
        if mirrored:
            case.said.append("tiles kept")
        result = Result(name, ", ".join(case.said))
        keys = folder / "keys"
        shutil.copytree(world.keys, keys)
        if runs_on:
            result.faults += _run_on(case, dsn, keys)
        judge(case, dsn, keys, result, mirrored=mirrored, aside=name in ASIDE)
    return result


def _run_on(case: Case, dsn: str, keys: Path) -> list[str]:
    """Let the notary go on, with new events; what it signed that it should not have."""
    before = _remembered(keys, case)
    try:
        add(case.admin, case.of, 3, case.stage.at + timedelta(hours=1))
    except psycopg.errors.UniqueViolation:
        case.said.append("nothing could be appended")  # a head that is behind its events
    signed(role_of(case.world, dsn, Role.NOTARY), keys, case.stage.at + timedelta(hours=2))
    true = list(case.world.leaves[case.of])
    after = {at: leaf for at, (leaf, *_) in there_by_position(case).items()}
    faults = []
    for epoch, size, root in _remembered(keys, case) - before:
        row = case.admin.execute(
            "SELECT kept FROM ledger.epochs WHERE tenant_id = %s AND log = %s AND epoch = %s",
            (*case.of, epoch),
        ).fetchone()
        new = checkpoint(case.stage.notes[case.of]).epoch != epoch
        kept = row[0] if new and row is not None else len(true)
        leaves = true[: min(kept, size)] + [after.get(at, b"") for at in range(min(kept, size) + 1, size + 1)]
        if b"" in leaves or Frontier().adding(leaves).frontier.root != root:
            faults.append(
                f"the notary signed {size} positions of epoch {epoch} that contradict what it signed"
            )
    return faults


def _remembered(keys: Path, case: Case) -> set[tuple[int, int, bytes]]:
    memory = SqliteNotaryMemory(keys)
    found = {(one.epoch, one.size, one.root) for one in memory.history(case.of)}
    memory.close()
    return found


def tamper(cases: int, seed: int, untouched: int = 50, told: Any = lambda _: None) -> dict[str, Any]:
    """Run so many cases, spread over all acts; what was found, by whom, and what is wrong."""
    drawn = random.Random(seed)  # noqa: S311 - chance, no secret
    base = Path("/dev/shm") if Path("/dev/shm").is_dir() else None  # noqa: S108 - a folder of a random name is made in it
    folder = Path(tempfile.mkdtemp(prefix="penguinmails-tamper-", dir=base))
    folder.chmod(0o755)
    begun = time.monotonic()
    found, aside = [*ON_EVENTS, *ON_LEDGER, ROLLED_BACK], [*ASIDE]
    wanted = [found[number % len(found)] for number in range(cases)]
    wanted += [aside[number % len(aside)] for number in range(cases // _ASIDE)] + [NOTHING] * untouched
    results = list[Result]()
    try:
        with EmbeddedPostgres(folder / "data", settings=QUICK) as server:
            migrate(server.admin_dsn, server.passwords)
            worlds = [
                made_world(server, folder / f"world-{number}", number, drawn, restored=bool(number % 2))
                for number in range(min(6, 2 + cases // 100))
            ]
            for number, name in enumerate(wanted):
                one = random.Random(f"{seed}.{number}")  # noqa: S311 - the same
                made = folder / f"case-{number}"
                made.mkdir()
                try:
                    result = one_case(one.choice(worlds), name, one, made)
                except Exception as error:  # noqa: BLE001 - what a case breaks on is one of its faults
                    result = Result(name, "broken off", faults=[f"{type(error).__name__}: {error}"])
                result.faults = [f"case {number}, {name} ({result.said}): {fault}" for fault in result.faults]
                results.append(result)
                told(result)
                shutil.rmtree(made)
    finally:
        shutil.rmtree(folder)
    return _summed(results, seed, time.monotonic() - begun)


def _summed(results: list[Result], seed: int, seconds: float) -> dict[str, Any]:
    acts: dict[str, dict[str, int]] = {}
    for one in results:
        row = acts.setdefault(one.act, dict.fromkeys(COLUMNS, 0))
        row["cases"] += 1
        for who in set(one.found):
            row[who] += 1
        row["exact"] += one.exact or 0
    return {
        "seed": seed,
        "seconds": round(seconds, 1),
        "cases": sum(one.act not in {NOTHING, *ASIDE} for one in results),
        "aside": sum(one.act in ASIDE for one in results),
        "untouched": sum(one.act == NOTHING for one in results),
        "acts": acts,
        "faults": [fault for one in results for fault in one.faults],
    }


def main() -> None:
    """Entry point; the exit code is 1 where something was not found, or not where it is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100)
    parser.add_argument("--untouched", type=int, default=50, help="cases of which nothing was changed")
    parser.add_argument(
        "--seed", type=int, default=secrets.randbelow(10**9), help="to see the same cases again"
    )
    parser.add_argument("--json", action="store_true", help="one object on standard output")
    parser.add_argument("--report", type=Path, help="write the page of the docs")
    given = parser.parse_args()

    def told(result: Result) -> None:
        for fault in result.faults:
            print(fault, file=sys.stderr, flush=True)

    result = tamper(given.cases, given.seed, given.untouched, told)
    if given.json:
        print(json.dumps(result))
    else:
        print(f"{result['cases']} cases in {result['seconds']} s, seed {result['seed']}")
        for name, row in result["acts"].items():
            print(f"{name:40} {row}")
    if given.report is not None and not result["faults"]:
        given.report.write_text(page(result), encoding="utf-8")
    if result["faults"]:
        sys.exit(1)


if __name__ == "__main__":
    main()
