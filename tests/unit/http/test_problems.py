"""What an error of the machinery is answered with: whether to try again is told truly."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

import api.http.app  # noqa: F401 - it knows every door, and so every refusal
import domain.audit.errors  # noqa: F401 - rules of proofs, which no door imports
from api.http.billing import Address
from api.http.problems import catalogue, problem_of, refusals
from api.http.titles import TITLES
from application.batch import problems_of, repeated
from application.ports import payments
from application.ports.keys import KeysUnavailable
from application.ports.log import LogUnavailable, Unstorable
from domain.campaign.content import GivenContent
from domain.reporting.schedule import Clock, Folder, ScheduledItem
from domain.rights.commands import RecordDisclosure

_OURS = ("domain", "application", "projections", "adapters", "api")


@pytest.mark.parametrize("error", [LogUnavailable(), KeysUnavailable()])
def test_what_is_away_may_be_asked_again(error: Exception) -> None:
    problem = problem_of(error)
    assert (problem.kind.code, problem.kind.status) == ("unavailable", 503)
    assert problem.all_headers()["retry-after"] == "1"


def test_what_can_never_be_stored_is_not_to_be_sent_again() -> None:
    problem = problem_of(Unstorable("no"))
    assert (problem.kind.code, problem.kind.status) == ("unstorable", 422)
    assert "retry-after" not in problem.all_headers()


def test_a_key_that_was_used_for_another_payment_is_the_callers_to_change() -> None:
    problem = problem_of(payments.KeyReused("the key was used for another write"))
    assert (problem.kind.code, problem.kind.status) == ("key-reused", 422)
    assert "retry-after" not in problem.all_headers()


def test_each_refusal_has_a_title_that_says_what_happened_and_not_how_things_ought_to_be() -> None:
    """A first sentence may be a rule: a title of its own is written for each, and read by somebody."""
    kinds = catalogue()
    rules = {cls.code for cls in refusals() if cls.__module__.partition(".")[0] in _OURS}
    assert TITLES.keys() == rules
    for code, title in TITLES.items():
        assert kinds[code].title == title
        assert not title.endswith(".")
    assert kinds["consent-in-the-future"].title == "The consent lies in the future"
    assert kinds["consent-in-the-future"].about == "A consent lies in the past. Correct the date."


@pytest.mark.parametrize(
    ("model", "told", "pointer", "form"),
    [
        (ScheduledItem, {"pack": "finance", "name": "Monthly Costs"}, "/name", "as monthly-costs."),
        (ScheduledItem, {"report": "Costs"}, "/report", "as costs_by_category."),
        (TypeAdapter(Clock), "6:30", "", "as 06:30."),
        (TypeAdapter(Folder), "Finance Daily", "", "finance/daily"),
        (TypeAdapter(Address), "app.example.com", "", "as https://app.example.com/billing."),
    ],
)
def test_what_is_written_otherwise_is_told_its_form(model: Any, told: Any, pointer: str, form: str) -> None:
    with pytest.raises(ValidationError) as fault:
        (model.validate_python if isinstance(model, TypeAdapter) else model.model_validate)(told)
    (one,) = [one for one in problems_of(fault.value) if one["pointer"] == pointer]
    assert form in one["detail"]


def test_what_a_field_lacks_is_in_plain_words() -> None:
    with pytest.raises(ValidationError) as fault:
        RecordDisclosure.model_validate({"digest": "x", "position": "cDEuMS43", "form": "json"})
    (one,) = problems_of(fault.value)
    assert (one["pointer"], one["code"]) == ("/digest", "string_pattern_mismatch")
    assert one["detail"] == "Write a SHA-256: 64 digits, each 0 to 9 or a to f."
    with pytest.raises(ValidationError) as fault:
        GivenContent.model_validate({"subject": "Saws"})
    assert [one["detail"] for one in problems_of(fault.value)] == [
        "a message has a body; write html, text or both"
    ]


@pytest.mark.parametrize(
    ("body", "twice"),
    [
        (b'{"a": 1, "b": {"a": 2}}', []),
        (b'{"a": 1, "b": 2, "a": 1}', ["/a"]),
        (b'[{"b": {"c/d": 1, "c/d": {"x": 1, "x": 2}}}]', ["/x", "/c~1d"]),
        (b"{}", []),
        (b"{", []),
        (b'{"a":' * 60_000, []),
    ],
)
def test_what_stands_twice_in_a_body_is_found(body: bytes, twice: list[str]) -> None:
    assert [one["pointer"] for one in repeated(body)] == twice
