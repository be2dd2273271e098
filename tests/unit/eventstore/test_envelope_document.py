"""docs/envelope.md against the code, byte by byte; and its program against the vectors."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from adapters.eventstore.codec import envelope
from adapters.eventstore.sealing import commits_to, disclose, dumps, seal_with, unseal
from application.ports.log import Recorded
from domain.audit.tree import entry_of, leaf_hash, leaves_of
from domain.kernel.personal import KeyKind

DOCUMENT = (Path(__file__).parents[3] / "docs" / "envelope.md").read_text(encoding="utf-8")


def block(heading: str) -> str:
    found = re.search(rf"```{re.escape(heading)}\n(.*?)```", DOCUMENT, re.DOTALL)
    assert found is not None, heading
    return found[1]


PERSONAL: list[dict[str, Any]] = json.loads(block("json vectors=personal"))
EVENT: dict[str, Any] = json.loads(block("json vectors=envelope"))


@pytest.mark.parametrize("vector", PERSONAL, ids=lambda vector: vector["field"])
def test_personal_values_are_sealed_as_written(vector: dict[str, Any]) -> None:
    tenant, subject, field = UUID(vector["tenant"]), vector["subject"], vector["field"]
    key, opening = bytes.fromhex(vector["key"]), bytes.fromhex(vector["opening"])
    sealed = seal_with(
        AESGCM(key),
        tenant,
        subject,
        KeyKind(vector["kind"]),
        field,
        vector["value"],
        opening=opening,
        nonce=bytes.fromhex(vector["nonce"]),
    )
    assert sealed == vector["stored"]
    assert dumps(vector["value"]) == vector["content"].encode()
    assert unseal(AESGCM(key), tenant, field, sealed) == vector["value"]
    assert disclose(AESGCM(key), tenant, field, sealed) == (opening, vector["content"].encode())
    assert commits_to(sealed, opening, vector["content"].encode())


@pytest.mark.parametrize("vector", PERSONAL, ids=lambda vector: vector["field"])
def test_the_page_alone_is_enough_to_open_one(vector: dict[str, Any]) -> None:
    """From the words of the page, without the codec."""
    raw = base64.b64decode(vector["stored"]["c"])
    bound = f"{vector['tenant']}|{vector['subject']}|{vector['kind']}|{vector['field']}"
    assert bound == vector["bound_to"]
    plain = AESGCM(bytes.fromhex(vector["key"])).decrypt(raw[:12], raw[12:], bound.encode())
    assert plain == bytes.fromhex(vector["opening"]) + vector["content"].encode()
    commitment = hmac.new(plain[:32], plain[32:], hashlib.sha256).digest()
    assert base64.b64encode(commitment).decode() == vector["stored"]["h"]


@pytest.mark.parametrize("vector", PERSONAL, ids=lambda vector: vector["field"])
def test_no_byte_can_be_altered_and_nothing_moved(vector: dict[str, Any]) -> None:
    cipher, tenant = AESGCM(bytes.fromhex(vector["key"])), UUID(vector["tenant"])
    raw = base64.b64decode(vector["stored"]["c"])
    for place in range(len(raw)):
        altered = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        with pytest.raises(InvalidTag):
            unseal(
                cipher, tenant, vector["field"], {**vector["stored"], "c": base64.b64encode(altered).decode()}
            )
    for moved in ({"s": vector["subject"][::-1]}, {"~": "other"}):
        with pytest.raises(InvalidTag):
            unseal(cipher, tenant, vector["field"], {**vector["stored"], **moved})
    with pytest.raises(InvalidTag):
        unseal(cipher, tenant, "another_field", vector["stored"])
    with pytest.raises(InvalidTag):
        unseal(cipher, UUID(int=9), vector["field"], vector["stored"])


def recorded() -> Recorded:
    return Recorded(
        UUID(EVENT["tenant"]),
        EVENT["position"],
        EVENT["stream"],
        EVENT["version"],
        EVENT["name"],
        EVENT["schema_version"],
        EVENT["payload"].encode(),
        EVENT["metadata"].encode(),
        datetime.fromisoformat(EVENT["recorded_at"]),
    )


def test_the_envelope_is_as_written() -> None:
    made = envelope(recorded())
    assert made.decode() == EVENT["envelope"]
    assert hashlib.sha256(made).hexdigest() == entry_of(made).hex() == EVENT["sha256"]
    assert leaf_hash(entry_of(made)).hex() == leaves_of([made])[0].hex() == EVENT["leaf"]
    assert list(json.loads(made)) == sorted(json.loads(made)), "its keys are sorted too"
    for part in ("payload", "metadata"):
        assert dumps(json.loads(EVENT[part])).decode() == EVENT[part], (
            "deterministic: parsed and written, the same"
        )


def test_the_program_of_the_page_tells_a_true_value_from_a_false_one() -> None:
    names: dict[str, Any] = {}
    exec(block("python"), names)  # noqa: S102 - our own page's program
    discloses, made = names["discloses"], EVENT["envelope"].encode()
    for vector, field in ((PERSONAL[0], "first_name"), (PERSONAL[1], "ip")):
        opening, content = bytes.fromhex(vector["opening"]), vector["content"].encode()
        assert discloses(made, field, opening, content)
        assert not discloses(made, field, opening, b'"somebody else"')
        assert not discloses(made, field, bytes(32), content)
