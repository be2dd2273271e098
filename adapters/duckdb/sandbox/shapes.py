"""What the columns of an answer become before they leave the child: types that Arrow has, and no value mangled by it.

Arrow has no type for some of DuckDB's, and some come out as another value without a word: a UHUGEINT of 2^128 - 1 as
-1, a BIT string as its padded bytes, a time without its zone, a long interval as a negative one. DuckDB writes those as
text, wherever they stand; an interval is three numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import duckdb

_OTHERWISE: Final = {
    **dict.fromkeys(
        ("bignum", "bit", "enum", "geometry", "time with time zone", "uhugeint", "union", "variant"),
        "VARCHAR",
    ),
    # Its infinity has no place in the milliseconds that Parquet makes of seconds.
    "timestamp_s": "TIMESTAMP",
}
_NESTS: Final = frozenset({"array", "list", "map", "struct", "tuple"})
_INTERVAL: Final = "interval"


def givable(relation: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """The same rows and names, with each column of a type that it may leave in."""
    kinds = relation.types
    if not any(kind.id == _INTERVAL or _is_otherwise(kind) for kind in kinds):
        return relation
    # By number, since columns may share a name.
    told = (
        f"{_given(f'#{number}', kind)} AS {_quoted(name)}"
        for number, (kind, name) in enumerate(zip(kinds, relation.columns, strict=True), 1)
    )
    return relation.project(", ".join(told))


def _given(value: str, kind: Any) -> str:
    if kind.id == _INTERVAL:
        seconds = f"date_part('hour', {value}) * 3600 + date_part('minute', {value}) * 60"
        return (
            f"CASE WHEN {value} IS NOT NULL THEN struct_pack("
            f"months := (date_part('year', {value}) * 12 + date_part('month', {value}))::INTEGER, "
            f"days := date_part('day', {value})::INTEGER, "
            f"microseconds := ({seconds}) * 1000000 + date_part('microsecond', {value})) END"
        )
    return f"CAST({value} AS {_type(kind)})" if _is_otherwise(kind) else value


def _is_otherwise(kind: Any) -> bool:
    return kind.id in _OTHERWISE or (
        kind.id in _NESTS and any(_is_otherwise(part) for _, part in _parts(kind))
    )


def _type(kind: Any) -> str:
    """The type to cast to, as SQL says it."""
    if kind.id in _OTHERWISE:
        return _OTHERWISE[kind.id]
    parts = [(name, _type(part)) for name, part in _parts(kind)] if kind.id in _NESTS else []
    match kind.id:
        case "list":
            return f"{parts[0][1]}[]"
        case "array":
            return f"{parts[0][1]}[{dict(kind.children)['size']}]"
        case "map":
            return f"MAP({parts[0][1]}, {parts[1][1]})"
        case "struct":
            return f"STRUCT({', '.join(f'{_quoted(name)} {part}' for name, part in parts)})"
        case "tuple":
            return f"TUPLE({', '.join(part for _, part in parts)})"
        case _:
            return str(kind)


def _parts(kind: Any) -> list[tuple[str, Any]]:
    return [(name, part) for name, part in kind.children if kind.id != "array" or name != "size"]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
