"""Disclosed values are checked one by one against the events that hold them."""

import json
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from adapters.eventstore.sealing import disclose, dumps, seal
from adapters.evidence.disclosures import Disclosed, disclosure
from adapters.evidence.verdict import Outcome, Verdict
from adapters.evidence.verifying import verify_bundle
from domain.kernel.personal import KeyKind
from tests.support.evidence import KEY, OTHER, TENANT, Log, envelope, opened, written

CIPHER = AESGCM(bytes(range(32)))
SUBJECT = str(OTHER)


def told(event: bytes, part: str, field: str, value: object) -> bytes:
    """The event with a value sealed in this field."""
    content = json.loads(event)
    content[part][field] = seal(CIPHER, TENANT, SUBJECT, KeyKind.EVIDENCE, field, value)
    return dumps(content)


LINES = [envelope(n) for n in range(1, 21)]
LINES[4] = told(told(LINES[4], "payload", "last_name", "Łęcka"), "metadata", "reason", "she rang")
BUNDLE = written(Log(LINES).part([3, 5, 7]))


def value(part: str, field: str, position: int = 5) -> Disclosed:
    sealed = json.loads(LINES[position - 1])[part][field]
    return Disclosed("events", position, part, field, *disclose(CIPHER, TENANT, field, sealed))


NAME = value("payload", "last_name")
REASON = value("metadata", "reason")


def judged(*values: Disclosed, tenant: UUID = TENANT) -> Verdict:
    return verify_bundle(opened(BUNDLE), (), [KEY], b"".join(disclosure(tenant, values)))


def test_what_the_events_hold_is_proven_and_not_repeated() -> None:
    verdict = judged(NAME, REASON)
    assert verdict.outcome is Outcome.HOLDS
    said = [one for one in verdict.proven if "disclosed" in one]
    assert len(said) == 1
    assert "'last_name' at position 5 of events, 'reason' at position 5 of events" in said[0]
    assert "Łęcka" not in "".join(verdict.lines())


@pytest.mark.parametrize(
    "wrong",
    [
        NAME._replace(content=b'"Zawadzka"'),
        NAME._replace(opening=bytes(32)),
        NAME._replace(field="first_name"),
        NAME._replace(field="none"),
        NAME._replace(part="metadata"),
        REASON._replace(field="channel"),
        NAME._replace(position=3),
    ],
)
def test_any_other_value_is_not(wrong: Disclosed) -> None:
    verdict = judged(REASON, wrong)
    assert verdict.outcome is Outcome.DOES_NOT_HOLD
    assert len(verdict.wrong) == 1
    assert f"{wrong.field!r} at position {wrong.position} of the log events is not" in verdict.wrong[0]


def test_of_an_event_that_is_not_here_nothing_is_said() -> None:
    for elsewhere in (NAME._replace(position=6), NAME._replace(position=99), NAME._replace(log="access")):
        assert judged(elsewhere).outcome is Outcome.CANNOT_BE_JUDGED


def test_files_that_are_no_disclosure() -> None:
    assert judged(NAME, tenant=OTHER).outcome is Outcome.CANNOT_BE_JUDGED
    whole = json.loads(b"".join(disclosure(TENANT, [NAME])))
    first = whole["values"][0]
    for data in (
        b"",
        b"[]",
        b"[" * 100_000,
        json.dumps(whole | {"format": "other"}).encode(),
        json.dumps(whole | {"values": {}}).encode(),
        json.dumps(whole | {"values": [7]}).encode(),
        json.dumps(whole | {"values": [first | {"opening": "?"}]}).encode(),
        json.dumps(whole | {"values": [first | {"position": "5"}]}).encode(),
        json.dumps(whole | {"values": [first | {"part": "other"}]}).encode(),
        json.dumps(whole | {"values": [first | {"log": []}]}).encode(),
        json.dumps(whole | {"values": [{k: v for k, v in first.items() if k != "content"}]}).encode(),
    ):
        assert verify_bundle(opened(BUNDLE), (), [KEY], data).outcome is Outcome.CANNOT_BE_JUDGED
