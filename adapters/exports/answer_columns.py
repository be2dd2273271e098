"""Answers to SQL in Parquet and Arrow: typed columns, each under a name of its own.

Both hold the same table. What Parquet has no type for becomes what JSON tells: an interval three numbers, a struct
without fields text, an array of fixed length a list. Readers look columns up by name, mostly without regard to case:
a repeated name is numbered, and the field's metadata holds the one that was asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa

from adapters.exports.answered import Answered, answer_facts
from adapters.exports.columnar import arrow_of, parquet_of

_SPAN: Final = pa.struct([("months", pa.int32()), ("days", pa.int32()), ("microseconds", pa.int64())])
_A_MICROSECOND: Final = 1_000


def parquet_bytes(made: Answered) -> bytes:
    """A Parquet file."""
    return parquet_of(table_of(made))


def arrow_bytes(made: Answered) -> bytes:
    """An Arrow file (the IPC format with its footer, which is also Feather's)."""
    return arrow_of(table_of(made))


def table_of(made: Answered) -> Any:
    """The answer as an Arrow table that both formats can hold."""
    # Taken anew, what lies where a value is NULL is nothing: else it would be what memory happened to hold.
    table = made.answer.table.take(pa.array(range(made.answer.table.num_rows), pa.int64()))
    arrays = [_fitting(column.combine_chunks()) for column in table.columns]
    fields = [
        pa.field(name, array.type, metadata={"name": asked})
        for name, asked, array in zip(distinct(made.names), made.names, arrays, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields, metadata=dict(answer_facts(made))))


def distinct(names: Sequence[str]) -> list[str]:
    """The names, each once whatever its case: the second `x` is `x_2`, or the next that no other column has."""
    taken = {name.casefold() for name in names}
    numbers: dict[str, int] = {}
    found: list[str] = []
    for name in names:
        own, number = name, numbers.get(name.casefold(), 0) + 1
        while number > 1 and (own := f"{name}_{number}").casefold() in taken:
            number += 1
        numbers[name.casefold()] = number
        taken.add(own.casefold())
        found.append(own)
    return found


def _fitting(array: Any) -> Any:
    """The same values in a type that both formats have."""
    kind, types = array.type, pa.types
    if types.is_interval(kind):
        spans = (
            None if one is None else (one.months, one.days, one.nanoseconds // _A_MICROSECOND)
            for one in array.to_pylist()
        )
        return pa.array(spans, type=_SPAN)
    if types.is_struct(kind):
        fields = [kind.field(number) for number in range(kind.num_fields)]
        if not fields:
            return pa.array([None if one is None else "{}" for one in array.to_pylist()], type=pa.string())
        parts = [_fitting(array.field(number)) for number in range(kind.num_fields)]
        made = [pa.field(old.name, part.type) for old, part in zip(fields, parts, strict=True)]
        return pa.StructArray.from_arrays(parts, fields=made, mask=array.is_null())
    if types.is_map(kind):
        keys, items = _fitting(array.keys), _fitting(array.items)
        return pa.MapArray.from_arrays(array.offsets, keys, items, mask=array.is_null())
    if types.is_fixed_size_list(kind):
        size = kind.list_size
        offsets = pa.array(range(0, (len(array) + 1) * size, size), type=pa.int32())
        return pa.ListArray.from_arrays(offsets, _fitting(array.values), mask=array.is_null())
    if types.is_list(kind):
        return pa.ListArray.from_arrays(array.offsets, _fitting(array.values), mask=array.is_null())
    return array
