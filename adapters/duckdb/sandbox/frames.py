"""What goes between parent and child, and how the parent reads what a hostile child may have written.

A frame is a letter, a length of four bytes and so many bytes. The parent writes two of JSON: the question, and that
the facts are there. The child writes JSON (which facts it needs), Arrow in parts, and JSON again (how it ended); or
JSON that says why not.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, BinaryIO, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

JSON: Final = b"J"
ARROW: Final = b"A"
HEAD: Final = struct.Struct(">cI")
MOST_JSON: Final = 65_536
_CONTINUED: Final = 0xFFFFFFFF
_LEAST: Final = 16
"""Bytes that a value counts at least: a NULL takes none in Arrow, and some wherever the answer goes."""
_SCHEMA, _ROWS = 1, 3
_COMPRESSION: Final = 3
_SCALARS: Final = (
    "is_null",
    "is_boolean",
    "is_integer",
    "is_floating",
    "is_decimal",
    "is_string",
    "is_large_string",
    "is_binary",
    "is_large_binary",
    "is_temporal",
)


class Hostile(Exception):
    """What came from the child is not what a child of ours writes."""


def frame(kind: bytes, content: bytes) -> bytes:
    """One frame."""
    return HEAD.pack(kind, len(content)) + content


def read_frame(pipe: BinaryIO) -> tuple[bytes, bytes]:
    """One frame of a parent, which is believed. Raises `EOFError`."""
    head = pipe.read(HEAD.size)
    if len(head) < HEAD.size:
        raise EOFError
    kind, length = HEAD.unpack(head)
    content = pipe.read(length)
    if len(content) < length:
        raise EOFError
    return kind, content


def read_table(stream: bytes, rows: int) -> Any:
    """The table in a child's stream. Raises `Hostile` for whatever else stands there.

    Messages are looked at before Arrow sees them: only a schema and then rows, nothing compressed (a few bytes could
    grow to any size), no dictionaries; then each buffer is validated in full, as Arrow asks for what is not trusted.
    Nothing may stand there once and be told by many columns: what is read would be larger than what was sent.
    """
    # Loaded with the first question: those who never ask one do without it.
    import pyarrow as pa  # noqa: PLC0415 - loaded with the first question

    try:
        _must_be_plain(stream)
        with pa.ipc.open_stream(pa.py_buffer(stream)) as reader:
            must_be_simple(reader.schema)
            table = reader.read_all()
        table.validate(full=True)
    except (struct.error, ValueError, OSError, TypeError, OverflowError, pa.ArrowException) as error:
        raise Hostile(type(error).__name__) from error
    if table.num_rows > rows:
        raise Hostile("more rows than were asked for")
    if table.nbytes > len(stream):
        raise Hostile("bytes that are told more than once")
    return table.replace_schema_metadata(None)


def _must_be_plain(stream: bytes) -> None:
    at, first = 0, True
    while at < len(stream):
        mark, length = struct.unpack_from("<Ii", stream, at)
        if mark != _CONTINUED:
            raise Hostile("no message of Arrow's")
        if length == 0:
            return
        begin = at + 8
        if not 0 < length <= len(stream) - begin:
            raise Hostile("a message longer than what there is")
        kind, body, compressed = _message(memoryview(stream)[begin : begin + length])
        if kind != (_SCHEMA if first else _ROWS) or compressed:
            raise Hostile("a message of another kind")
        if not 0 <= body <= len(stream) - begin - length:
            raise Hostile("a body longer than what there is")
        at, first = begin + length + body, False


def _message(metadata: memoryview) -> tuple[int, int, bool]:
    """Of a message: its kind, the length of its body, and whether that is compressed. It is a flatbuffer."""
    (root,) = struct.unpack_from("<I", metadata, 0)
    kind_at, header_at, body_at = (_field(metadata, root, number) for number in (1, 2, 3))
    if kind_at is None or header_at is None:
        raise Hostile("a message without a header")
    (kind,) = struct.unpack_from("<B", metadata, kind_at)
    body = 0 if body_at is None else struct.unpack_from("<q", metadata, body_at)[0]
    header = header_at + struct.unpack_from("<I", metadata, header_at)[0]
    compressed = kind == _ROWS and _field(metadata, header, _COMPRESSION) is not None
    return kind, body, compressed


def _field(metadata: memoryview, table: int, number: int) -> int | None:
    """Where a field of a flatbuffer's table stands; None: it has none."""
    vtable = table - struct.unpack_from("<i", metadata, table)[0]
    if vtable < 0:
        raise Hostile("a table outside its message")
    (size,) = struct.unpack_from("<H", metadata, vtable)
    slot = 4 + 2 * number
    if slot + 2 > size:
        return None
    (offset,) = struct.unpack_from("<H", metadata, vtable + slot)
    return table + offset if offset else None


def least_size(columns: Iterable[Any]) -> int:
    """The bytes that columns count at least, by how many values they hold, those in nests included."""
    import pyarrow as pa  # noqa: PLC0415 - loaded with the first question

    return _LEAST * sum(_values(pa.types, column) for column in columns)


def _values(types: Any, column: Any) -> int:
    """How many values there are, counted without Arrow's functions: the child cannot load those any more."""
    kind = column.type
    if types.is_struct(kind):
        parts = [column.field(number) for number in range(kind.num_fields)]
    elif types.is_fixed_size_list(kind):
        parts = [column.values.slice(column.offset * kind.list_size, len(column) * kind.list_size)]
    elif types.is_list(kind) or types.is_large_list(kind) or types.is_map(kind):
        first, last = column.offsets[0].as_py(), column.offsets[-1].as_py()
        held = (column.keys, column.items) if types.is_map(kind) else (column.values,)
        parts = [one.slice(first, last - first) for one in held]
    else:
        parts = []
    return len(column) + sum(_values(types, part) for part in parts)


def must_be_simple(columns: Any) -> None:
    """Columns of values and of nests of them; no extension, union, dictionary or view. Raises `Hostile`."""
    import pyarrow as pa  # noqa: PLC0415 - loaded with the first question

    for column in columns:
        _must_be_simple(pa, column)


def _must_be_simple(pa: Any, column: Any) -> None:
    kind, types = column.type, pa.types
    if column.metadata or isinstance(kind, pa.BaseExtensionType):
        raise Hostile("a column with more to it")
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        _must_be_simple(pa, kind.value_field)
    elif types.is_struct(kind):
        for part in kind:
            _must_be_simple(pa, part)
    elif types.is_map(kind):
        _must_be_simple(pa, kind.key_field)
        _must_be_simple(pa, kind.item_field)
    elif not any(getattr(types, simple)(kind) for simple in _SCALARS):
        raise Hostile("a column of another type")
