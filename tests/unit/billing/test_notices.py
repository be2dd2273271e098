"""Letters that are owed: which events are told of, and how each is settled, once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from domain.billing.notices import (
    EnterNoticeMailed,
    NoticeKind,
    NoticeMailed,
    NoticePreferencesSet,
    NoticeSettled,
    NotSentReason,
    SetNoticePreferences,
    SettleNotice,
    WithheldNotice,
    kind_of,
)
from domain.kernel.events import Event
from domain.kernel.ids import MemberId, NoticeId, TenantId
from tests.support.given import given, uid

NOTICE = NoticeId(uid(0x700))
ANNA, BOB = MemberId(uid(0x701)), MemberId(uid(0x702))
TO_ANNA = NoticeMailed(notice_id=NOTICE, member_id=ANNA)
NOT_BOB = (WithheldNotice(member_id=BOB, reason="refused"),)


def settled(outcome: str, **more: Any) -> NoticeSettled:
    usual: dict[str, Any] = {"reason": None, "trouble": None, "mailed": 0, "withheld": ()}
    return NoticeSettled(notice_id=NOTICE, outcome=outcome, **{**usual, **more})


@pytest.mark.parametrize(
    ("before", "command", "then"),
    [
        ((), SettleNotice(reason=NotSentReason.TURNED_OFF), settled("not_sent", reason="turned_off")),
        ((TO_ANNA,), SettleNotice(), settled("sent", mailed=1)),
        (
            (TO_ANNA,),
            SettleNotice(withheld=NOT_BOB),
            settled("partly", mailed=1, withheld=NOT_BOB),
        ),
        (
            (TO_ANNA,),
            SettleNotice(reason=NotSentReason.NO_LONGER_SO),
            settled("partly", mailed=1, reason="no_longer_so"),
        ),
    ],
)
def test_a_letter_is_settled_with_what_became_of_it(
    before: Sequence[Event], command: SettleNotice, then: NoticeSettled
) -> None:
    given(*before).when(command, target=NOTICE).then(then)


def test_a_letter_is_mailed_to_each_once_and_settled_once() -> None:
    mailed = EnterNoticeMailed(member_id=ANNA)
    given().when(mailed, target=NOTICE).then(TO_ANNA)
    given(TO_ANNA).when(mailed, target=NOTICE).then()
    over = [TO_ANNA, settled("sent", mailed=1)]
    given(*over).when(EnterNoticeMailed(member_id=BOB), target=NOTICE).then()
    given(*over).when(SettleNotice(), target=NOTICE).then()


def test_preferences_that_change_nothing_are_not_entered() -> None:
    tenant = TenantId(uid(1))
    wish = SetNoticePreferences(usage=False, language="fr")
    told = NoticePreferencesSet(tenant_id=tenant, usage=False, language="fr")
    given().when(wish, target=tenant).then(told)
    given(told).when(wish, target=tenant).then()
    given().when(SetNoticePreferences(usage=True), target=tenant).then()


@pytest.mark.parametrize(
    ("name", "payload", "kind"),
    [
        ("billing.access_changed", {"after": "suspended"}, NoticeKind.ACCESS_SUSPENDED),
        ("billing.access_changed", {"after": "cancelled"}, NoticeKind.ACCESS_CANCELLED),
        ("billing.access_changed", {"after": "active"}, None),
        ("billing.dunning_ended", {"outcome": "paid"}, NoticeKind.PAYMENT_RECOVERED),
        ("billing.dunning_ended", {"outcome": "dropped"}, None),
        ("billing.dunning_began", {}, NoticeKind.PAYMENT_FAILED),
        ("billing.invoice_paid", {}, None),
    ],
)
def test_what_is_told_by_a_letter_and_what_is_not(
    name: str, payload: dict[str, str], kind: NoticeKind | None
) -> None:
    assert kind_of(name, payload) is kind
