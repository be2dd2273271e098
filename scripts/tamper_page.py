"""The page of the docs that shows a long run of the tamper harness."""

from __future__ import annotations

import platform
from typing import Any, Final

import psutil

COLUMNS: Final = ("cases", "bundle", "export", "fsck", "put right", "exact")
"""Of each act: how many cases, who found how many, how many were put right, and how many named exactly."""


def page(result: dict[str, Any]) -> str:
    """The page, in Markdown."""
    memory = psutil.virtual_memory().total / 2**30
    rows = "\n".join(
        " | ".join([f"| {name}", *(str(row[one]) for one in COLUMNS)]) + " |"
        for name, row in result["acts"].items()
    )
    cases, seed, seconds = result["cases"], result["seed"], result["seconds"]
    version = platform.python_version()
    return f"""# Tampered with at random

What `scripts/tamper --cases {cases}` found when it last ran in full, with seed {seed}, in {seconds:,.0f} s; the page is
written by `scripts/tamper --cases 1000 --report docs/tamper.md`. A short form runs with the tests.

Machine: {psutil.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}, Python {version}.

## What is done
Each case is a copy of a database whose logs were signed for six hours, with some hundred to some thousand events a
log; in half of them a restore lost a tail meanwhile and opened an epoch. Kept outside are the checkpoint of some hour,
the verifier key and, in half of the cases, that hour's tiles. Then, with every right over the database, something is
done to it: clumsily, or so that tiles, tree, positions and checkpoints agree with it again. In half of the cases the
notary, with its memory, then runs on, and new events come. What it signs must not contradict what it signed.

Then the product exports a bundle of all events, and one of a few, out of that database, and both are verified offline,
with the checkpoint, the key and the tiles; and `audit fsck` looks at the database with the notary's memory. Which
position is truly the first that differs is read from the rows, and held against what was named.

| what was done | cases | by the bundle | by the export | by `fsck` | put right | named exactly |
|---|---|---|---|---|---|---|
{rows}

*By the export*: it refused, naming a position. *Put right*: the notary, going on, made what was altered anew from the
events, as it had been signed. *Named exactly*: by the bundle of all events, one position and no more.
Every one of the {cases} cases was found offline, but where the notary, going on, had put right by then what a bundle
takes; {result["aside"]} besides, of things that are in no bundle, by `audit fsck`; and {result["untouched"]} in which
nothing was done were found sound.

## What can be known
| what the reader has | what is named |
|---|---|
| Tiles of the kept checkpoint | The first position up to it that is not as it was, exactly. |
| The database's own tiles, if they make a root that was signed | The same, of all that was signed. |
| Checkpoints alone, where tiles were rewritten | The positions from the last that holds to the first that does not. |
| A checkpoint of more positions | The first that is not there; all beyond what holds, if unsigned. |
| A checkpoint of a later epoch than the bundle | From which position on the log is another, if the bundle is newer. |
| A checkpoint of more than a restore kept | Which positions are lost. |

A restore that is feigned is no way around this: the notary then signs, for ever, that a tail was lost, and how much of
the log was left.

What is beyond the kept checkpoint is shown by the log's own, which only the key could sign. A log that was cut back to
a checkpoint that is newer than the kept one looks as it did then, and nobody can tell from these two alone; the notary
can, for it remembers, and signs nothing more of it.

Some of what the database holds is in no bundle: the tree that the notary goes on from, a kept checkpoint that was
deleted, what heads and epochs say. Everything that a bundle proves still holds then; `audit fsck` names these, and the
notary refuses what they would have it sign.
"""
