"""What `Accept` asks for: JSON, or one of the files."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from adapters.exports.forms import FILES
from api.http.accepting import accepted_form
from api.http.problems import Problem

XLSX, PARQUET = FILES["xlsx"].media, FILES["parquet"].media


def form_for(*accept: str) -> str | None:
    headers = [(b"accept", one.encode()) for one in accept]
    form = accepted_form(Request({"type": "http", "headers": headers}))
    return None if form is None else form.name.value


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ((), None),
        (("*/*",), None),
        (("",), None),
        (("application/json",), None),
        (("application/*",), None),
        (("text/html, */*;q=0.1",), None),
        ((XLSX,), "xlsx"),
        ((f"{XLSX}; q=0.9, application/json",), None),
        ((f"application/json;q=0.5, {PARQUET};q=0.8, {XLSX};q=0.7",), "parquet"),
        ((f"{XLSX}, {PARQUET}",), "xlsx"),
        (("image/png", f"{PARQUET.upper()}"), "parquet"),
        (("text/*",), "csv"),
        (("text/csv;charset=utf-8;q=x",), "csv"),
        ((f"{XLSX};q=0, text/csv;q=0.001",), "csv"),
    ],
)
def test_the_form_that_is_wanted_most(accept: tuple[str, ...], form: str | None) -> None:
    assert form_for(*accept) == form


@pytest.mark.parametrize("accept", ["image/png", "text/html, application/xml;q=0.9", f"{XLSX};q=0"])
def test_what_is_not_offered_is_refused_with_what_is(accept: str) -> None:
    with pytest.raises(Problem) as refused:
        form_for(accept)
    assert refused.value.extra == {"offered": ["application/json", *(file.media for file in FILES.values())]}
