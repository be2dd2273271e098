"""What a bundle's files are called and how large they may be; docs/evidence.md tells it to others."""

from __future__ import annotations

from typing import Final

from domain.audit.proofs import SUFFIX

FORMAT: Final = "penguinmails-evidence/1"
DISCLOSURE_FORMAT: Final = "penguinmails-disclosure/1"

MANIFEST: Final = "manifest.json"
COMPLETENESS: Final = "completeness.json"
REPORT: Final = "report.html"
KEYS: Final = "keys.txt"
SCHEMAS: Final = "schemas/"
PACKS: Final = "packs/"
# In a folder of each log's name:
EVENTS: Final = "events.jsonl"
LEAVES: Final = "leaves.bin"
GAPS: Final = "gaps.jsonl"
CHECKPOINT: Final = "checkpoint"
CHECKPOINTS: Final = "checkpoints/"
PROOFS: Final = "proofs/"

CERTIFICATE: Final = "certificate"
"""What the question of a permission certificate is called in the manifest: an object with `message`."""

LONGEST_LINE: Final = 16 * 1024 * 1024
"""An envelope is a few hundred bytes; one of a contact with all the attributes it may have takes three million."""

LARGEST_SMALL: Final = 16 * 1024 * 1024
"""Files that are read whole: all but the three that go with the number of events, and the report."""


def schema_name(name: str, version: int) -> str:
    """Where the schema of an event's stored form is."""
    return f"{SCHEMAS}{name}@{version}.json"


def proof_name(log: str, position: int) -> str:
    """Where the proof of one event is (C2SP tlog-proof)."""
    return f"{log}/{PROOFS}{position}{SUFFIX}"


def checkpoint_name(log: str, epoch: int, size: int) -> str:
    """Where an older checkpoint of a log is."""
    return f"{log}/{CHECKPOINTS}{epoch}-{size}"
