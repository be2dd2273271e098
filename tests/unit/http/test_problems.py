"""What an error of the machinery is answered with: whether to try again is told truly."""

from __future__ import annotations

import pytest

from api.http.problems import problem_of
from application.ports.keys import KeysUnavailable
from application.ports.log import LogUnavailable, Unstorable


@pytest.mark.parametrize("error", [LogUnavailable(), KeysUnavailable()])
def test_what_is_away_may_be_asked_again(error: Exception) -> None:
    problem = problem_of(error)
    assert (problem.kind.code, problem.kind.status) == ("unavailable", 503)
    assert problem.all_headers()["retry-after"] == "1"


def test_what_can_never_be_stored_is_not_to_be_sent_again() -> None:
    problem = problem_of(Unstorable("no"))
    assert (problem.kind.code, problem.kind.status) == ("unstorable", 422)
    assert "retry-after" not in problem.all_headers()
