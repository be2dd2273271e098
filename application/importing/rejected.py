"""The rejected rows of an import as they are kept: the header once, then a part for each chunk that rejected any.

Parts are compressed before they are sealed, since rows are told the same few sentences over and over. The header is in
none of them: it may be as long as all rows of a chunk together, and there may be as many parts as rejected rows.
"""

from __future__ import annotations

import zlib
from codecs import BOM_UTF8
from typing import TYPE_CHECKING, Final

from application.importing.files import at_hand
from domain.audience.intake import error_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from uuid import UUID

    from application.importing.chunk import Tally
    from application.ports.blobs import BlobStore

_PARTS: Final = "errors-"
_HEADER: Final = 0


class RejectedRows:
    """Those of one import."""

    def __init__(self, blobs: BlobStore, tenant_id: UUID, import_id: UUID) -> None:
        """Kept in `blobs`, with the import's other files."""
        self._blobs = blobs
        self._of = (tenant_id, import_id)

    def kept(self) -> list[int]:
        """The chunks whose rejected rows were kept, in order; after 0 where the header was."""
        names = self._blobs.names(*self._of)
        return [int(name.removeprefix(_PARTS)) for name in names if name.startswith(_PARTS)]

    def write(self, number: int, lines: Iterable[bytes]) -> None:
        """Keep a part, over an earlier one of the same number."""
        self._blobs.write(*self._of, _name(number), _packed(lines))

    def lines(self, numbers: Iterable[int]) -> Iterator[bytes]:
        """Parts put together as one CSV file. Raises `FilesGone` and `FileDamaged`."""
        with at_hand():
            for place, number in enumerate(numbers):
                content = b"".join(self._blobs.read(*self._of, _name(number)))
                # One that was written before the header was kept apart is as it is read, header and all.
                whole = content.startswith(BOM_UTF8)
                text = content if whole else zlib.decompress(content)
                yield text.partition(b"\r\n")[2] if whole and place else text


class Writer:
    """Keeps what each chunk of one run rejects."""

    def __init__(self, rows: RejectedRows, header: Sequence[str], delimiter: str) -> None:
        """Written with the file's own header and delimiter."""
        self._rows = rows
        self._header = header
        self._delimiter = delimiter
        self._begun = False

    def __call__(self, chunk: int, tally: Tally) -> None:
        """A chunk's part: before the chunk is appended, and over an earlier attempt's."""
        rejected = [(row.cells, problems) for row, problems in tally.errors]
        lines = error_rows(self._header, self._delimiter, rejected)
        header = next(lines)
        if not self._begun:
            # Two chunks at once write the same.
            self._rows.write(_HEADER, [header])
            self._begun = True
        self._rows.write(chunk, lines)


def _name(number: int) -> str:
    return f"{_PARTS}{number:08d}"


def _packed(lines: Iterable[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj()
    for line in lines:
        if piece := packer.compress(line):
            yield piece
    yield packer.flush()
