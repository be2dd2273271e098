"""What the command line says where it cannot do what it was told: near words, fields, folders, databases."""

from pathlib import Path

import pytest

from tests.support.serving import Served

pytestmark = pytest.mark.xdist_group("serve")


def test_mistyped_words_are_met_with_near_ones(demo_installation: Served) -> None:
    done = demo_installation.cli("srve", code=2)
    assert "serve" in done.stderr
    assert done.stdout == ""
    done = demo_installation.cli("tenant", "regster", code=2)
    assert "register" in done.stderr
    done = demo_installation.cli("serve", "--prot", "1", code=2)
    assert "--port" in done.stderr


def test_field_errors_name_the_field_and_not_the_value(demo_installation: Served) -> None:
    secret = "not-an-address-of-anybody"
    given = ("--owner-email", secret, "--owner-name", "Cleo", "--country", "GB", "--sends-for", "itself")
    done = demo_installation.cli("tenant", "register", "Field Ltd", *given, code=2)
    assert "/owner_email" in done.stderr
    assert secret not in done.stderr + done.stdout


def test_an_installation_that_is_not_there_is_said_and_not_made(
    tmp_path: Path, demo_installation: Served
) -> None:
    nowhere = tmp_path / "nowhere"
    done = demo_installation.cli("receipt", "x", "--data", str(nowhere), code=3)
    assert str(nowhere) in done.stderr
    assert not nowhere.exists()
    done = demo_installation.cli("replay", "--key", "pm_live_nonsense", code=1)
    assert "pm_live_nonsense" not in done.stderr


@pytest.mark.parametrize("url", [None, "postgresql://me@127.0.0.1:9/none"])
@pytest.mark.parametrize("place", ["file", "file/below", "/proc/none"])
def test_a_data_folder_that_cannot_be_is_said(
    place: str, url: str | None, tmp_path: Path, demo_installation: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    if place.startswith("/") and not Path(place).parent.is_dir():
        pytest.skip("no such system here")
    (tmp_path / "file").write_text("something else")
    data = str(tmp_path / place)
    given = {} if url is None else {"DATABASE_URL": url}
    monkeypatch.setattr(Served, "environment", {**demo_installation.environment, **given})
    done = demo_installation.cli("serve", "--port", "0", "--data", data, code=4)
    assert data in done.stderr
    assert "--data" in done.stderr
    assert (tmp_path / "file").read_text() == "something else"


def test_a_file_for_a_data_folder_holds_no_installation(tmp_path: Path, demo_installation: Served) -> None:
    file = tmp_path / "file"
    file.write_text("Email\na@people.example\n")
    for command in (("migrate",), ("replay",), ("api", "--port", "0"), ("import", "contacts", str(file))):
        demo_installation.cli(*command, "--data", str(file), key="pm_live_nonsense", code=4)


@pytest.mark.parametrize("url", ["nonsense", "postgresql://me:hidden-word@127.0.0.1:9/none"])
def test_a_database_that_cannot_be_used_is_said_without_its_password(
    url: str, demo_installation: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Served, "environment", {**demo_installation.environment, "DATABASE_URL": url})
    done = demo_installation.cli("migrate", code=4)
    assert "DATABASE_URL" in done.stderr
    assert "hidden-word" not in done.stderr
