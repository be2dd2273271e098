"""In which form an answer is given that can be JSON or a file: by what `Accept` says, for reports and SQL alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from adapters.exports.forms import FILES, FileForm
from adapters.exports.names import FileName
from api.http.kinds import ACCEPT_UNKNOWN
from api.http.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from starlette.requests import Request

_JSON: Final = "application/json"
_MEDIA: Final = {form.media: form for form in FILES.values()}
_MEANT: Final[Mapping[str, FileForm | None]] = {
    **_MEDIA,
    _JSON: None,
    "*/*": None,
    "application/*": None,
    "text/*": FILES[FileName.CSV],
}


def accepted_form(request: Request) -> FileForm | None:
    """The file that is wanted most, of equals the first; None for JSON, which who takes anything gets.

    Raises a 406 that names what is offered.
    """
    for media in _wanted(request.headers.getlist("accept")):
        if media in _MEANT:
            return _MEANT[media]
    raise Problem(ACCEPT_UNKNOWN, extra={"offered": [_JSON, *_MEDIA]})


def _wanted(headers: list[str]) -> Iterator[str]:
    """Media types by their weights (RFC 9110, 12.5.1), without those of weight 0; anything, where none is named."""
    weighed = []
    for one in ",".join(headers).split(","):
        media, *parameters = (part.strip().lower() for part in one.split(";"))
        weight = next((text[2:].strip() for text in parameters if text.startswith("q=")), "1")
        if media and (size := _number(weight)) > 0:
            weighed.append((-size, media))
    yield from (media for _, media in sorted(weighed, key=lambda one: one[0])) if any(headers) else ("*/*",)


def _number(text: str) -> float:
    """A weight; what is none counts as none was told."""
    try:
        return float(text)
    except ValueError:
        return 1.0
