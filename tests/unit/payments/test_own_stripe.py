"""Our own Stripe beside a demo: secrets made once, word of where it is, and nowhere beside an account."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from adapters.stripe.fake.serving import listen_for, served
from adapters.stripe.own import made_own_stripe, own_stripe
from api.ops.errors import CannotRun
from api.ops.own_stripe import beside, hears_at
from api.ops.processes.stripe import run
from api.payments import PaymentsMisconfigured, payments_of
from api.settings import Settings
from application.ports.payment_values import Line
from tests.support.serving import ROOT
from tests.support.stripes import DAY, fake_desk


def test_its_secrets_are_made_once_and_shown_to_nobody(tmp_path: Path) -> None:
    assert own_stripe(tmp_path) is None
    made = made_own_stripe(tmp_path)
    assert made_own_stripe(tmp_path) == made
    file = tmp_path / "secrets" / "own-stripe.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert made.secret_key in file.read_text()
    assert made.secret_key not in repr(made)
    assert made.webhook_secret not in repr(made)
    assert made_own_stripe(tmp_path / "other").secret_key != made.secret_key


def test_its_clients_find_it_as_long_as_it_is_served(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    with beside(settings, demo=True) as own:
        assert own is not None
        address, listener = own
        found = Settings(data=tmp_path).stripe
        assert found is not None
        assert (found.api, found.livemode) == (address, False)
        assert (tmp_path / "stripe" / "address.json").stat().st_mode & 0o777 == 0o600
        assert listener.getsockname()[0] == "127.0.0.1"
    assert Settings(data=tmp_path).stripe is None
    with beside(settings, demo=True) as again:
        assert again is not None
        assert again[0] == address, "pages of an earlier start stay where they are"


def test_a_port_that_is_taken_is_left_to_whoever_has_it(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = f"http://127.0.0.1:{other.getsockname()[1]}"
        made_own_stripe(tmp_path).tell(taken, served=False)
        with beside(Settings(data=tmp_path), demo=True) as own:
            assert own is not None
            assert own[0] != taken


def test_without_the_demo_or_with_an_account_it_is_not_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with beside(Settings(data=tmp_path), demo=False) as own:
        assert own is None
    assert not (tmp_path / "secrets").exists()
    made_own_stripe(tmp_path).tell(
        "http://127.0.0.1:12111", served=True
    )  # a start that was killed left this word
    with beside(Settings(data=tmp_path), demo=False) as own:
        assert own is None
        assert Settings(data=tmp_path).stripe is None
    monkeypatch.setenv("PENGUINMAILS_STRIPE_KEY", "sk_live_of_a_test")
    with beside(Settings(data=tmp_path), demo=True) as own:
        assert own is None
        found = Settings(data=tmp_path).stripe
        assert found is not None
        assert found.livemode
    with pytest.raises(CannotRun, match="does not run"):
        run(Settings(data=tmp_path))


async def test_what_it_tells_of_is_found_again_after_a_kill(tmp_path: Path) -> None:
    file, heard, told = tmp_path / "state.json", list[str](), asyncio.Event()

    def hear(request: httpx.Request) -> httpx.Response:
        event = json.loads(request.content)
        assert event["id"] in json.loads(file.read_text())["kinds"]["event"], "told before it was kept"
        heard.append(event["type"])
        if event["type"] == "invoice.paid":
            told.set()
        return httpx.Response(200)

    async with fake_desk(httpx.AsyncClient(transport=httpx.MockTransport(hear))) as desk:
        assert desk.fake is not None
        world = desk.fake.world
        made = await desk.raw.v1.customers.create_async({})
        await desk.card(made.id, "pm_card_visa")
        await desk.subscribe(made.id, Line("2026-01/starter/month/usd"))
        world._file = file
        for _ in range(2):
            listen_for(world, "http://penguin.test/in", "whsec_of_a_test")
        assert len(world.all("webhook_endpoint")) == 1
        world.skip(40 * DAY)
        app = served(desk.fake)
        async with asyncio.timeout(10), app.router.lifespan_context(app):
            await told.wait()
    assert "invoice.finalized" in heard


def test_nobody_loads_it_beside_a_key_that_moves_money_and_no_other_process_at_all() -> None:
    live = {**os.environ, "PENGUINMAILS_STRIPE_KEY": "rk_live_1"}
    done = subprocess.run(
        [sys.executable, "-c", "import adapters.stripe.fake.world"],
        cwd=ROOT,
        env=live,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "moves real money" in done.stderr
    program = (
        "import sys, api.cli.serving, api.ops.prepare, api.ops.processes.api, api.ops.processes.worker, "
        "api.ops.processes.stripe; sys.exit(any(name.startswith('adapters.stripe.fake') for name in sys.modules))"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=dict(os.environ), check=True)


@pytest.mark.parametrize(
    ("setting", "value", "named"),
    [
        ("KEY", "pk_test_1", "PENGUINMAILS_STRIPE_KEY"),
        ("URL", "http://127.0.0.1:12111", "PENGUINMAILS_STRIPE_URL"),
        ("WEBHOOK_SECRETS", "whsec_1", "PENGUINMAILS_STRIPE_WEBHOOK_SECRETS"),
    ],
)
def test_settings_that_cannot_be_meant_say_which_one_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str, value: str, named: str
) -> None:
    monkeypatch.setenv(f"PENGUINMAILS_STRIPE_{setting}", value)
    with pytest.raises(PaymentsMisconfigured, match=f"^{named} ") as refused:
        payments_of(Settings(data=tmp_path))
    assert "PENGUINMAILS_STRIPE_KEY" in str(refused.value)


@pytest.mark.parametrize(
    ("host", "heard"),
    [
        ("127.0.0.1", "http://127.0.0.1:8420"),
        ("0.0.0.0", "http://127.0.0.1:8420"),  # noqa: S104 - a setting
        ("::", "http://[::1]:8420"),
    ],
)
def test_webhooks_go_to_the_door_of_the_api_on_this_machine(tmp_path: Path, host: str, heard: str) -> None:
    assert hears_at(Settings(data=tmp_path, host=host, port=8420)) == f"{heard}/v1/gateways/stripe"
