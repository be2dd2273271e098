"""Paying in what one command starts: our own Stripe beside it, its pages, its webhooks; killed, and left out."""

import json
import os
import signal
from typing import Any
from uuid import uuid4

import httpx
import psutil
import pytest

from tests.support.serving import Served, eventually, installation

pytestmark = pytest.mark.xdist_group("serve")
STARTER = {
    "plan": "starter",
    "success_url": "https://acme.example/done",
    "cancel_url": "https://acme.example",
}


def asked(served: Served, path: str, key: str, body: dict[str, Any]) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {key}"}
    answer = httpx.post(f"{served.address}/v1/billing/{path}", headers=headers, json=body, timeout=20)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()["data"]
    return told


def at_stripe(served: Served, method: str, path: str, form: dict[str, str]) -> dict[str, Any]:
    """What our own Stripe answers about its customers."""
    secrets = json.loads((served.data / "secrets" / "own-stripe.json").read_text())
    address = json.loads((served.data / "stripe" / "address.json").read_text())["address"]
    headers = {"Authorization": f"Bearer {secrets['key']}"}
    answer = httpx.request(
        method, f"{address}/v1/customers{path}", headers=headers, data=form or None, timeout=20
    )
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def until_entered(served: Served, key: str, things: int) -> None:
    for _ in eventually("all that was told is entered", 40):
        told = asked(served, "reconciliation", key, {})
        if told["compared"] >= things and not told["differences"]:
            return


def subscribed(served: Served, key: str) -> dict[str, Any]:
    """The account, once its view has a subscription."""
    headers, rows = {"Authorization": f"Bearer {key}"}, list[dict[str, Any]]()
    for _ in eventually("the view has it"):
        rows = httpx.get(f"{served.address}/v1/billing/account", headers=headers, timeout=20).json()["data"]
        if rows and rows[0]["subscriptions"]:
            break
    return rows[0]


def kill_stripe(served: Served) -> psutil.Process:
    process = served.processes()["stripe"]
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)
    return process


def test_the_agency_of_the_demo_pays_its_plan_since_two_months(demo_installation: Served) -> None:
    served = demo_installation
    assert "a Stripe of our own" in served.banner
    until_entered(served, served.key, 7)
    shown = subscribed(served, served.key)
    assert (shown["access"], shown["plan"], shown["limits"]["users"]) == ("active", "professional", 8)
    assert json.loads(served.cli("billing", "ensure-wares", "--json").stdout)["live"] is False
    assert served.cli("billing", "set-aside").stderr.strip() == "Nothing was set aside."
    compared = served.cli("billing", "reconcile")
    assert (compared.stdout, " tenants compared" in compared.stderr) == ("", True), compared.stderr
    told = served.cli("billing", "reconcile", "--json").stdout.splitlines()
    *of_each, of_nobody = [json.loads(line) for line in told]
    assert of_nobody == {"unclaimed": [], "others": 0}
    (paying,) = (one for one in of_each if one["tenant"] == shown["id"])
    assert {one["measure"]: one["difference"] for one in paying["totals"]} == dict.fromkeys(
        ("invoiced", "received", "refunded", "disputed", "fees", "dispute_fees"), 0
    )
    assert (paying["differences"], paying["unrepaired"]) == ([], [])
    nobody = str(uuid4())
    strangers = [at_stripe(served, "POST", "", {"metadata[tenant_id]": nobody})["id"]]
    strangers += [at_stripe(served, "POST", "", {"name": "Somebody else's"})["id"]]
    compared = served.cli("billing", "reconcile")
    assert compared.stdout == f"{strangers[0]}\t{nobody}\t0\tno money\n"
    assert "Customers at the provider that are nobody's here: 1." in compared.stderr
    assert "Customers there without a note of ours, who are somebody else's business: 1." in compared.stderr
    of_one = served.cli("billing", "reconcile", "--tenant", paying["tenant"])
    assert (of_one.stdout, "nobody's here" in of_one.stderr) == ("", False)
    for stranger in strangers:
        at_stripe(served, "DELETE", f"/{stranger}", {})


def test_who_buys_has_it_though_our_own_stripe_is_killed_in_between(demo_installation: Served) -> None:
    served = demo_installation
    names = (
        "--owner-email",
        "o@shop.example",
        "--owner-name",
        "O",
        "--country",
        "GB",
        "--sends-for",
        "itself",
    )
    key = json.loads(served.cli("tenant", "register", "Shop", *names, "--json").stdout)["key"]
    page = asked(served, "checkout", key, STARTER)["url"]
    kill_stripe(served)
    assert "49.00" in httpx.get(page, timeout=20).text, "the page is there again, with what is bought"
    declined = httpx.post(page, data={"card": "pm_card_chargeDeclined"}, timeout=20)
    assert declined.status_code == 402
    assert httpx.post(page, data={"card": "pm_card_visa"}, timeout=20).status_code == 303
    kill_stripe(served)
    until_entered(served, key, 3)
    refused = httpx.post(
        f"{served.address}/v1/billing/checkout",
        headers={"Authorization": f"Bearer {key}"},
        json=STARTER,
        timeout=20,
    )
    assert refused.json()["type"] == "/problems/already-subscribed"
    portal = asked(served, "portal", key, {"return_url": "https://acme.example"})["url"]
    assert "Starter" in httpx.get(portal, timeout=20).text


def test_a_key_that_is_none_ends_the_start_before_anything_is_made() -> None:
    with installation() as served:
        (served.data / "secrets").mkdir(parents=True)
        (served.data / "secrets" / "stripe-key").write_text("pk_test_nonsense")
        done = served.cli("serve", "--port", "0", code=4)
        assert "PENGUINMAILS_STRIPE_KEY (or the file secrets/stripe-key) is no secret key" in done.stderr
        assert "nonsense" not in done.stderr
        assert [one.name for one in served.data.iterdir()] == ["secrets"]
