"""A file in a request's body: bare, or as the one file of a form; taken in piece by piece, never held whole."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_to_bytes

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from api.http.kinds import BODY_INVALID
from api.http.problems import Problem, bad_header
from api.http.request import must_be

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from api.http.request import Call

BARE: Final = (
    b"text/csv",
    b"text/tab-separated-values",
    b"text/plain",
    b"application/csv",
    b"application/octet-stream",
)
FORM: Final = b"multipart/form-data"
NAME_HEADER: Final = b"penguin-file-name"
UNNAMED: Final = "contacts.csv"
_EXTENDED: Final = re.compile(rb"(?:UTF-8'[A-Za-z0-9-]*')?(.*)", re.IGNORECASE | re.DOTALL)


class FileInBody:
    """The file of a request: its name, once `begun`, and its bytes, to be iterated once."""

    def __init__(self, call: Call, body: AsyncIterator[bytes]) -> None:
        """Raises a `Problem` for a body that is neither a file nor a form."""
        must_be(call, *BARE, FORM)
        self.name = file_name(call) or UNNAMED
        self._body = body
        self._form = _Form(call.content_type) if call.media_type() == FORM else None

    async def begun(self) -> None:
        """Read as far as the file's first byte. Raises a `Problem`, or `ClientGone`."""
        form = self._form
        while form is not None and not form.found:
            piece = await anext(self._body, None)
            if piece is None:
                raise _no_form("There is no file in this form.")
            form.feed(piece)
        if form is not None and form.file_name is not None:
            self.name = _plain_name(form.file_name) or UNNAMED

    async def chunks(self) -> AsyncIterator[bytes]:
        """The file's bytes. Raises as `begun` does."""
        form = self._form
        if form is None:
            async for piece in self._body:
                yield piece
            return
        yield form.taken()
        async for piece in self._body:
            form.feed(piece)
            yield form.taken()
        form.end()


def file_name(call: Call) -> str:
    """The name that a header gives to the file in the body; nothing where there is none."""
    found = ""
    for name, value in call.scope["headers"]:
        if name == NAME_HEADER:
            found = _plain_name(_named(value))
    return found


class _Form:
    """A form with one file and nothing else, fed in pieces."""

    def __init__(self, content_type: bytes) -> None:
        _, options = parse_options_header(content_type)
        boundary = options.get(b"boundary", b"")
        if not boundary:
            raise bad_header("Content-Type", "A form's type names its boundary.")
        self.found = False
        self.file_name: bytes | None = None
        self._ended = False
        self._field, self._value = b"", b""
        self._disposition = b""
        self._file = bytearray()
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._on_part,
                "on_header_field": self._on_field,
                "on_header_value": self._on_value,
                "on_header_end": self._on_header,
                "on_headers_finished": self._on_headers,
                "on_part_data": self._on_data,
                "on_end": self._on_end,
            },
        )

    def feed(self, piece: bytes) -> None:
        """Take the next piece of the body in."""
        try:
            self._parser.write(piece)
        except FormParserError:
            raise _no_form("The form cannot be read: it does not follow its own boundary.") from None

    def taken(self) -> bytes:
        """What came of the file since it was last taken."""
        content = bytes(self._file)
        self._file.clear()
        return content

    def end(self) -> None:
        """Nothing follows."""
        if not self._ended:
            raise _no_form("The form breaks off before its end.")

    def _on_part(self) -> None:
        if self.found:
            raise _no_form("Send one file and nothing else in the form; everything else goes into the query.")

    def _on_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header(self) -> None:
        if self._field.lower() == b"content-disposition":
            self._disposition = self._value
        self._field, self._value = b"", b""

    def _on_headers(self) -> None:
        _, options = parse_options_header(self._disposition)
        name = options.get(b"filename")
        if name is None:
            raise _no_form("Send one file and nothing else in the form; everything else goes into the query.")
        self.found, self.file_name = True, name or None

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        self._file += data[start:end]

    def _on_end(self) -> None:
        self._ended = True


def _named(value: bytes) -> bytes:
    """The header's text: percent-encoded UTF-8, with or without RFC 8187's `UTF-8''` before it."""
    found = _EXTENDED.fullmatch(value)
    return unquote_to_bytes(found[1] if found else value)


def _plain_name(raw: bytes) -> str:
    """A file's own name, without the folders that some browsers put before it."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise bad_header("Penguin-File-Name", "Write the file's name in UTF-8, percent-encoded.") from None
    return text.replace("\\", "/").rpartition("/")[2].strip()


def _no_form(detail: str) -> Problem:
    return Problem(BODY_INVALID, errors=[{"pointer": "", "code": "form-invalid", "detail": detail}])
