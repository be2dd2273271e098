"""Keys are of one mode, go to Stripe alone, and are shown nowhere."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from adapters.stripe.fake import __main__ as process
from adapters.stripe.fake.app import Fake
from adapters.stripe.fake.world import World
from adapters.stripe.settings import EVENTS, StripeMisconfigured, StripeSettings
from api.settings import Settings
from tests.support.serving import ROOT


def test_keys_are_not_shown() -> None:
    settings = StripeSettings("sk_live_very_secret", ("whsec_very_secret",))
    assert settings.livemode
    assert "very_secret" not in f"{settings!r} {settings}"
    assert not StripeSettings("rk_test_1", ("whsec_1", "whsec_2"), api="http://127.0.0.1:12111").livemode
    assert not StripeSettings("sk_test_1", api="http://localhost:12111/").livemode


@pytest.mark.parametrize(
    ("key", "secrets", "api"),
    [
        ("pk_test_1", (), "https://api.stripe.com"),
        ("", (), "https://api.stripe.com"),
        ("sk_test_1", ("secret",), "https://api.stripe.com"),
        ("sk_test_1", ("",), "https://api.stripe.com"),
        ("sk_test_1", ("whsec_",), "https://api.stripe.com"),
        ("sk_live_1", (), "http://127.0.0.1:12111"),
        ("rk_live_1", (), "http://127.0.0.1:12111"),
        ("sk_test_1", (), "http://10.0.0.1:12111"),
        ("sk_test_1", (), "http://stripe.example"),
        ("sk_test_1", (), "https://api.stripe.com.example"),
        ("sk_test_1", (), "http://127.0.0.1:12111/v1"),
    ],
)
def test_what_cannot_be_meant_is_refused(key: str, secrets: tuple[str, ...], api: str) -> None:
    with pytest.raises(StripeMisconfigured) as refused:
        StripeSettings(key, secrets, api=api)
    assert key == "" or key not in str(refused.value)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--key", "sk_live_1"],
        ["--key", "nonsense"],
        ["--host", "::"],
        ["--host", "8.8.8.8"],
        ["--host", "192.168.0.1"],
    ],
)
def test_the_fake_serves_this_machine_and_test_mode_alone(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        process.main(arguments)
    assert arguments[0] in capsys.readouterr().err
    with pytest.raises(ValueError, match="live mode"):
        Fake(World(lambda: 0), key="sk_live_1")


def test_keys_come_from_the_environment_or_from_files_of_the_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PENGUINMAILS_DATA", str(tmp_path))
    assert Settings().stripe is None
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / "stripe-key").write_text("sk_test_of_a_file\n")
    (folder / "stripe-webhook-secrets").write_text("whsec_1\nwhsec_2\n")
    settings = Settings()
    assert settings.stripe == StripeSettings("sk_test_of_a_file", ("whsec_1", "whsec_2"))
    monkeypatch.setenv("PENGUINMAILS_STRIPE_KEY", "rk_test_of_the_environment")
    monkeypatch.setenv("PENGUINMAILS_STRIPE_WEBHOOK_SECRETS", "whsec_3")
    monkeypatch.setenv("PENGUINMAILS_STRIPE_URL", "http://127.0.0.1:12111")
    assert Settings().stripe == StripeSettings(
        "rk_test_of_the_environment", ("whsec_3",), api="http://127.0.0.1:12111"
    )
    assert "of_the_environment" not in repr(Settings())


def test_stripes_own_client_is_loaded_by_whoever_uses_it() -> None:
    program = "import sys, api.composition; sys.exit('stripe' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=dict(os.environ), check=True)


def test_the_page_names_the_events_to_select() -> None:
    page = (ROOT / "docs" / "billing-stripe.md").read_text(encoding="utf-8")
    assert "\n".join(["```text", *EVENTS, "```"]) in page
    assert list(EVENTS) == sorted(EVENTS)
