"""Tokens in links: whatever is changed in one, cut off it or put on it, it opens nothing."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.keys.memory import MemoryKeyStore
from adapters.keys.siv import AesSiv
from application.door_tokens import LONGEST, Door, DoorToken, DoorTokens, LinkUnusable
from domain.kernel.ids import PLATFORM
from tests.support.given import uid

A, B, PERSON = uid(1), uid(2), uid(3)
FULL = DoorToken(Door.PREFERENCES, A, PERSON, uid(4), uid(5), "newsletter")


class Keys(MemoryKeyStore):
    """A key store whose pseudonym keys can be rotated: the new one first, the old one live until it is dropped."""

    def rotate(self, tenant_id: UUID) -> None:
        self.hmac_keys(tenant_id).insert(0, secrets.token_bytes(32))

    def drop_oldest(self, tenant_id: UUID) -> None:
        self.hmac_keys(tenant_id).pop()


KEYS = Keys()
TOKENS = DoorTokens(KEYS, AesSiv())
TEXT = TOKENS.text(FULL)
ids = st.uuids()
tokens = st.builds(
    DoorToken,
    door=st.sampled_from(Door),
    tenant_id=st.sampled_from([A, B]),
    addressee_id=ids,
    workspace_id=st.none() | ids,
    message_id=st.none() | ids,
    campaign_type=st.none() | st.from_regex(r"[a-z][a-z0-9_-]{0,39}", fullmatch=True),
    request=st.none() | st.integers(1, 2**31),
    vouched=st.booleans(),
)


def refused(text: str, door: Door = Door.PREFERENCES, by: DoorTokens = TOKENS) -> str:
    with pytest.raises(LinkUnusable) as refusal:
        by.read(text, door)
    return str(refusal.value)


@given(token=tokens)
def test_what_was_put_in_comes_out(token: DoorToken) -> None:
    text = TOKENS.text(token)
    assert len(text) < LONGEST
    assert TOKENS.read(text, token.door) == token


@given(token=tokens, bit=st.integers(min_value=0))
def test_any_changed_bit_is_refused(token: DoorToken, bit: int) -> None:
    text = TOKENS.text(token)
    raw = bytearray(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    bit %= len(raw) * 8
    raw[bit // 8] ^= 1 << (bit % 8)
    refused(base64.urlsafe_b64encode(bytes(raw)).decode().rstrip("="), token.door)


def changed() -> Iterator[str]:
    """Every other character in every place: also those whose last bits no byte is made of."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for place in range(len(TEXT)):
        for other in alphabet if place > len(TEXT) - 3 else ("A", "z"):
            if other != TEXT[place]:
                yield TEXT[:place] + other + TEXT[place + 1 :]


def test_any_changed_character_is_refused() -> None:
    for text in changed():
        refused(text)


@given(text=st.text(max_size=LONGEST + 10))
def test_what_is_no_token_is_refused(text: str) -> None:
    refused(text)


@settings(max_examples=30)
@given(cut=st.integers(0, 2**16))
def test_a_part_of_a_token_is_refused(cut: int) -> None:
    refused(TEXT[: cut % len(TEXT)])
    refused(TEXT[1 + cut % (len(TEXT) - 1) :])


AROUND = {
    "padding": f"{TEXT}=",
    "a letter": f"{TEXT}A",
    "a space": f" {TEXT}",
    "a line's end": f"{TEXT}\n",
    "twice": TEXT + TEXT,
    "nothing": "",
}


@pytest.mark.parametrize("text", AROUND.values(), ids=AROUND)
def test_what_stands_around_a_token_makes_it_none(text: str) -> None:
    refused(text)


def test_a_token_opens_its_own_door_alone() -> None:
    for made in Door:
        text = TOKENS.text(replace(FULL, door=made))
        for door in Door:
            if door is made:
                assert TOKENS.read(text, door).door is made
            else:
                refused(text, door)


def test_all_that_is_refused_is_told_the_same() -> None:
    answers = {
        refused(""),
        refused(TEXT[:-1]),
        refused("x" * 100),
        refused(TEXT, Door.CONFIRM),
        refused(TEXT, by=DoorTokens(Keys(), AesSiv())),
    }
    assert answers == {LinkUnusable.rule()}


def test_a_box_of_one_tenant_is_none_of_another() -> None:
    """Even whoever could make the outer box cannot turn one tenant's into another's."""
    siv, version = AesSiv(), b"\x01"
    (platform,), raw = TOKENS._live(PLATFORM), base64.urlsafe_b64decode(TEXT + "=" * (-len(TEXT) % 4))
    opened = siv.open(platform, raw[1:], version)
    assert opened is not None
    assert opened[:16] == A.bytes
    moved = version + siv.seal(platform, B.bytes + opened[16:], version)
    refused(base64.urlsafe_b64encode(moved).decode().rstrip("="))


def test_forged_tokens_make_no_key_for_a_tenant_that_is_none() -> None:
    class Counting(Keys):
        asked: list[UUID] = []  # noqa: RUF012 - of this test alone

        def hmac_keys(self, tenant_id: UUID) -> list[bytes]:
            self.asked.append(tenant_id)
            return super().hmac_keys(tenant_id)

    keys = Counting()
    for text in (TEXT, "AQ" * 80, "", "x"):
        refused(text, by=DoorTokens(keys, AesSiv()))
    assert set(keys.asked) == {PLATFORM}


def test_a_token_opens_as_long_as_its_keys_live() -> None:
    keys = Keys()
    mine = DoorTokens(keys, AesSiv())
    old = mine.text(FULL)
    keys.rotate(A)
    keys.rotate(PLATFORM)
    assert mine.read(old, FULL.door) == FULL
    assert mine.read(mine.text(FULL), FULL.door) == FULL
    keys.drop_oldest(A)
    refused(old, by=mine)


def test_nothing_in_a_token_can_be_read_or_compared() -> None:
    same: list[Any] = [TOKENS.text(FULL) for _ in range(50)]
    assert len(set(same)) == 50
    raw = [base64.urlsafe_b64decode(one + "=" * (-len(one) % 4)) for one in same]
    for one, other in pairwise(raw):
        for id_ in (A, PERSON, uid(4), uid(5)):
            assert id_.bytes[-6:] not in one
        assert sum(x == y for x, y in zip(one[1:], other[1:], strict=True)) < 16
