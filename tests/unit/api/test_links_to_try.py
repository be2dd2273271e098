"""Links in mail lead to this machine where a demo is served to it alone, and nobody said where else."""

from pathlib import Path
from typing import Any

import pytest

from api.cli.serving import links_to_try
from api.settings import Settings

HERE = "http://127.0.0.1:8420"


@pytest.mark.parametrize(
    ("demo", "said", "leads_here"),
    [
        (True, {}, True),
        (True, {"host": "localhost"}, True),
        (True, {"host": "0.0.0.0"}, False),  # noqa: S104 - that is the case
        (True, {"host": "192.0.2.1"}, False),
        (True, {"public_url": "https://mail.example.com"}, False),
        (False, {}, False),
    ],
)
def test_links_lead_here_with_a_demo_for_this_machine_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, demo: bool, said: dict[str, Any], leads_here: bool
) -> None:
    monkeypatch.delenv("PENGUINMAILS_PUBLIC_URL", raising=False)
    settings = Settings(data=tmp_path, **said)
    expected = {"PENGUINMAILS_PUBLIC_URL": HERE} if leads_here else {}
    assert links_to_try(settings, HERE, demo=demo) == expected
    assert all(Settings(data=tmp_path, public_url=url).public_url for url in expected.values())
