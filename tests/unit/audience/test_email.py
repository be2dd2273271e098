"""Two spellings of one address have one match form."""

import pytest
from pydantic import TypeAdapter, ValidationError

from domain.audience.contact import CreateContact
from domain.audience.email import DOMAINS, EmailText, match_form
from domain.kernel.ids import WorkspaceId
from tests.support.given import uid

EMAIL: TypeAdapter[str] = TypeAdapter(EmailText)


@pytest.mark.parametrize(
    ("written", "form"),
    [
        ("Ann@Example.ORG", "ann@example.org"),
        ("ann@BÜCHER.example", "ann@xn--bcher-kva.example"),
        ("ann@xn--bcher-kva.example", "ann@xn--bcher-kva.example"),
        ("ann@straße.example", "ann@xn--strae-oqa.example"),
        ("ann+news@example.org", "ann+news@example.org"),
    ],
)
def test_match_form(written: str, form: str) -> None:
    assert match_form(written) == form
    assert match_form(form) == form


@pytest.mark.parametrize("written", ["", "ann", "ann@", "@example.org", "ann@localhost", "a b@example.org"])
def test_no_address_has_no_match_form(written: str) -> None:
    with pytest.raises(ValueError, match=r"\."):
        match_form(written)


@pytest.mark.parametrize("domain", ["", "a/b.org", "x@y.org", "x:80.org", "a\\b.org", "xn--zzzz999.org"])
def test_what_is_no_domain_has_no_ascii_form(domain: str) -> None:
    assert DOMAINS.to_ascii(domain) is None


def test_a_command_keeps_the_owners_spelling_and_takes_no_display_name() -> None:
    assert EMAIL.validate_python(" Ann@Example.org ") == "Ann@Example.org"
    with pytest.raises(ValidationError, match="name in its own field"):
        EMAIL.validate_python("Ann <ann@example.org>")


def test_a_bad_address_is_not_told_back() -> None:
    with pytest.raises(ValueError, match="@") as caught:
        match_form("secretive")
    assert "secretive" not in str(caught.value)


@pytest.mark.parametrize("unseen", ["\u200b", "\u3164", "\ufe0f"])
def test_what_nobody_sees_in_an_address_is_refused_and_what_was_taken_once_has_its_form(unseen: str) -> None:
    written = f"an{unseen}n@example.org"
    with pytest.raises(ValidationError) as caught:
        CreateContact(workspace_id=WorkspaceId(uid(1)), email=written)
    wrong = [one for one in caught.value.errors() if one["type"] == "value_error"]
    assert [(one["loc"][0], "nobody sees" in one["msg"]) for one in wrong] == [("email", True)]
    assert EMAIL.validate_python("\u200bann@example.org\ufeff") == "ann@example.org", "it was pasted"
    assert match_form(match_form(written)) == match_form(written)
