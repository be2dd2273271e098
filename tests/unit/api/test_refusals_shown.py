"""What a refusal of the API says on the command line: its words once, with the place that they are about."""

from __future__ import annotations

import httpx
import pytest

from api.cli.door import accepted
from api.cli.output import NotThere, Refused


def said_of(status: int, **told: object) -> str:
    with pytest.raises((Refused, NotThere)) as refused:
        accepted(httpx.Response(status, json=told))
    return str(refused.value)


def test_a_refusal_is_said_once_with_its_place() -> None:
    words = "A member who gets it may not read it. Name another."
    errors = [{"pointer": "/recipients/2", "code": "recipient-may-not-read", "detail": words}]
    assert said_of(422, detail=words, errors=errors) == f"/recipients/2: {words}"
    assert said_of(404, detail=words, errors=errors) == f"/recipients/2: {words}"


def test_what_is_said_of_all_stands_before_what_is_said_of_each_place() -> None:
    errors = [{"pointer": "/from", "detail": "Not a day."}, {"parameter": "limit", "detail": "Not a number."}]
    assert said_of(422, detail="The body does not fit.", errors=errors) == (
        "The body does not fit. /from: Not a day. limit: Not a number."
    )
    assert said_of(403, title="Not yours") == "Not yours"
    assert said_of(502) == "the API answered 502"
