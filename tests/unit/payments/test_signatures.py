"""Webhooks are believed by their signature alone; ours is Stripe's own computation."""

import pytest
import stripe

from adapters.stripe.signatures import TOLERANCE, signature_header, verify
from application.ports.payments import BadSignature

BODY = '{"id": "evt_1", "object": "event", "name": "Zoë"}'.encode()
SECRET, OTHER = "whsec_one", "whsec_two"
NOW = 1_800_000_000


def test_what_we_sign_stripe_verifies_and_the_other_way_round() -> None:
    header = stripe.WebhookSignature.generate_signature_header(BODY.decode(), SECRET, NOW)
    assert signature_header(BODY, SECRET, NOW) == header
    verify(BODY, header, [SECRET], NOW)
    assert stripe.WebhookSignature.verify_header(BODY, signature_header(BODY, SECRET, NOW), SECRET)


@pytest.mark.parametrize("at", [NOW - TOLERANCE, NOW, NOW + TOLERANCE])
def test_it_may_have_taken_a_while(at: int) -> None:
    verify(BODY, signature_header(BODY, SECRET, at), [SECRET], NOW)


def test_any_of_several_signatures_and_of_several_secrets_will_do() -> None:
    rotated = f"{signature_header(BODY, OTHER, NOW)},{signature_header(BODY, SECRET, NOW).partition(',')[2]}"
    verify(BODY, rotated, [SECRET], NOW)
    verify(BODY, f"{rotated},v0=00", ["whsec_new", OTHER], NOW)


GOOD = signature_header(BODY, SECRET, NOW)
MAC = GOOD.partition("v1=")[2]


@pytest.mark.parametrize(
    ("body", "header", "secrets"),
    [
        (BODY, None, [SECRET]),
        (BODY, "", [SECRET]),
        (BODY, GOOD, [OTHER]),
        (BODY, GOOD, []),
        (BODY + b" ", GOOD, [SECRET]),
        (bytes([BODY[0] ^ 1]) + BODY[1:], GOOD, [SECRET]),
        (BODY, signature_header(BODY, SECRET, NOW - TOLERANCE - 1), [SECRET]),
        (BODY, signature_header(BODY, SECRET, NOW + TOLERANCE + 1), [SECRET]),
        (BODY, f"t={NOW + 1},v1={MAC}", [SECRET]),
        (BODY, f"t={NOW},v0={MAC}", [SECRET]),
        (BODY, f"v1={MAC}", [SECRET]),
        (BODY, f"t={NOW},t={NOW - 9999},v1={MAC}", [SECRET]),
        (BODY, f"t=٣,v1={MAC}", [SECRET]),
        (BODY, f"t=-1,v1={MAC}", [SECRET]),
        (BODY, f"t={NOW},v1={MAC[:-1]}é", [SECRET]),
        (BODY, f"t={NOW}", [SECRET]),
        (BODY, "v1", [SECRET]),
        (BODY, f"t={NOW}" + ",v1=00" * 1000 + f",v1={MAC}", [SECRET]),
    ],
)
def test_nothing_else_is_believed(body: bytes, header: str | None, secrets: list[str]) -> None:
    with pytest.raises(BadSignature):
        verify(body, header, secrets, NOW)
