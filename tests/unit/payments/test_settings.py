"""Keys are of one mode, go to Stripe alone, and are shown nowhere."""

import pytest

from adapters.stripe.fake import __main__ as process
from adapters.stripe.fake.app import Fake
from adapters.stripe.fake.world import World
from adapters.stripe.settings import StripeMisconfigured, StripeSettings


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
