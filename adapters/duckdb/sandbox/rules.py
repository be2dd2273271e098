"""What an analyst's SQL may say: one SELECT over the fact tables and its own subqueries, and functions from a list.

DuckDB's own parser makes the tree that is looked at here, and everything in it has to be known: a new kind of node, of
expression or of table is refused until somebody has added it. Names that stand with a schema or a catalog are refused,
so that a plain name means a common table expression in scope, or a fact.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, Final

from adapters.duckdb.sandbox.functions import FUNCTIONS, TABLE_FUNCTIONS

Tree = dict[str, Any]
_NOWHERE: Final = 2**63
_SUGGESTED: Final = 3
_LONGEST_NAME: Final = 60

_EXPRESSIONS: Final = frozenset(
    {
        "BETWEEN",
        "CASE",
        "CAST",
        "COLLATE",
        "COLUMN_REF",
        "COMPARISON",
        "CONJUNCTION",
        "CONSTANT",
        "FUNCTION",
        "LAMBDA",
        "OPERATOR",
        "PARAMETER",
        "POSITIONAL_REFERENCE",
        "STAR",
        "SUBQUERY",
        "TYPE",
        "WINDOW",
    }
)
_KINDS: Final = frozenset(
    {
        # queries
        "SELECT_NODE",
        "SET_OPERATION_NODE",
        "RECURSIVE_CTE_NODE",
        # what stands in FROM
        "BASE_TABLE",
        "EMPTY",
        "EXPRESSION_LIST",
        "JOIN",
        "PIVOT",
        "SUBQUERY",
        "TABLE_FUNCTION",
        # what stands after it
        "DISTINCT_MODIFIER",
        "LIMIT_MODIFIER",
        "LIMIT_PERCENT_MODIFIER",
        "ORDER_MODIFIER",
        "ORDER_DEFAULT",
        "ASCENDING",
        "DESCENDING",
    }
)
_QUALIFIERS: Final = ("schema", "schema_name", "catalog", "catalog_name", "pivot_enum")


class Refused(Exception):
    """The SQL says what it may not say. `code` names the rule, `told` what a problem document says besides."""

    def __init__(self, code: str, detail: str, **told: Any) -> None:
        """Take what is told; never a value that stands in the SQL."""
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.told = told


@dataclass(slots=True)
class _Reading:
    """One look through a tree. `used`: the facts that it names."""

    facts: Collection[str]
    place: Callable[[int], dict[str, int]]
    used: set[str] = field(default_factory=set)

    def look(self, thing: Any, scope: frozenset[str]) -> None:
        if isinstance(thing, list):
            for one in thing:
                self.look(one, scope)
        elif isinstance(thing, dict):
            self._known(thing)
            if "cte_map" in thing:
                scope = self._expressions_named(thing, scope)
            self._table(thing, scope)
            self._function(thing)
            for name, one in thing.items():
                if name != "cte_map":
                    self.look(one, scope)

    def _known(self, thing: Tree) -> None:
        kind = thing.get("type")
        if "class" in thing:
            if thing["class"] not in _EXPRESSIONS:
                raise self._not_taken(thing, _worded(thing["class"]))
        elif isinstance(kind, str) and kind not in _KINDS:
            raise self._not_taken(thing, _worded(kind.removesuffix("_NODE").removesuffix("_REF")))
        if any(thing.get(name) for name in _QUALIFIERS) or thing.get("export_state"):
            raise self._not_taken(thing, "A name with a schema or a catalog")
        if len((thing.get("qualified_name") or {}).get("path", ())) > 1:
            raise self._not_taken(thing, "A name with a schema or a catalog")
        if thing.get("at_clause"):
            raise self._not_taken(thing, "AT")

    def _expressions_named(self, node: Tree, scope: frozenset[str]) -> frozenset[str]:
        """The scope inside a query: each of its common table expressions sees those before it, and itself to recur."""
        for entry in node["cte_map"]["map"]:
            name, query = _lowered(entry["key"]), entry["value"]["query_node"]
            recurs = query.get("type") == "RECURSIVE_CTE_NODE"
            self.look({one: part for one, part in entry["value"].items() if one != "query_node"}, scope)
            self.look(query, scope | {name} if recurs else scope)
            scope |= {name}
        return scope

    def _table(self, thing: Tree, scope: frozenset[str]) -> None:
        if thing.get("type") != "BASE_TABLE" or "class" in thing:
            return
        name = _lowered(thing["table_name"])
        if name in scope:
            return
        if name not in self.facts:
            raise self._unknown_table(thing, name, scope)
        self.used.add(name)

    def _unknown_table(self, thing: Tree, name: str, scope: frozenset[str]) -> Refused:
        there = sorted({*self.facts, *scope})
        near = difflib.get_close_matches(name[:_LONGEST_NAME], there, _SUGGESTED, 0.5)
        meant = f" Did you mean {' or '.join(near)}?" if near else ""
        return Refused(
            "sql-unknown-table",
            f"There is no such table here.{meant} GET /v1/sql/schema lists what may be asked.",
            suggestions=near,
            **self.place(thing.get("query_location", _NOWHERE)),
        )

    def _function(self, thing: Tree) -> None:
        name = thing.get("function_name")
        if name is None:
            if thing.get("type") == "TABLE_FUNCTION" and "class" not in thing:
                called = _lowered(thing["function"].get("function_name", ""))
                if called not in TABLE_FUNCTIONS:
                    raise self._not_callable(thing, called, "as a table")
            return
        if _lowered(name) not in FUNCTIONS and name not in FUNCTIONS and name not in TABLE_FUNCTIONS:
            raise self._not_callable(thing, name, "here")

    def _not_callable(self, thing: Tree, name: str, where: str) -> Refused:
        told = name if name.isidentifier() and len(name) <= _LONGEST_NAME else "of this name"
        return Refused(
            "sql-function-not-allowed",
            f"The function {told} cannot be called {where}. GET /v1/sql/schema lists those that can.",
            **self.place(thing.get("query_location", _NOWHERE)),
        )

    def _not_taken(self, thing: Tree, what: str) -> Refused:
        return Refused(
            "sql-not-allowed",
            f"{what} is not taken here. Ask one SELECT over the tables that GET /v1/sql/schema lists, by their plain "
            "names.",
            **self.place(thing.get("query_location", _NOWHERE)),
        )


def checked(serialized: str, facts: Collection[str], sql: str) -> list[str]:
    """The facts that a query names, sorted. `serialized`: what `json_serialize_sql` made of it. Raises `Refused`."""
    tree = json.loads(serialized)
    if tree["error"]:
        raise _not_read(tree, sql)
    statements = tree["statements"]
    if len(statements) != 1:
        raise Refused(
            "sql-not-one-select", f"These are {len(statements)} statements. Ask one SELECT at a time."
        )
    reading = _Reading(facts, lambda at: line_and_column(sql, at))
    reading.look(statements[0], frozenset())
    return sorted(reading.used)


def _not_read(tree: Tree, sql: str) -> Refused:
    if tree.get("error_type") != "parser":
        return Refused(
            "sql-not-one-select",
            "This is no SELECT. Nothing can be written, set, loaded or attached here: ask one SELECT.",
        )
    if "expression depth" in tree.get("error_message", ""):
        return Refused("sql-not-allowed", "Expressions are nested too deeply. Take them apart, in WITH say.")
    place = line_and_column(sql, int(tree.get("position", _NOWHERE)))
    where = f" at line {place['line']}, column {place['column']}" if place else ""
    return Refused(
        "sql-syntax", f"The SQL cannot be read{where}. DuckDB's grammar is the one that holds.", **place
    )


def line_and_column(sql: str, at: int) -> dict[str, int]:
    """Where a byte of the SQL stands, both counted from 1; nothing for a place that is nowhere."""
    raw = sql.encode()
    if not 0 <= at <= len(raw):
        return {}
    before = raw[:at].decode("utf-8", "ignore")
    return {"line": before.count("\n") + 1, "column": len(before) - (before.rfind("\n") + 1) + 1}


def _lowered(name: str) -> str:
    """As DuckDB compares names: ASCII letters alone have no case."""
    return "".join(one.lower() if one.isascii() else one for one in name)


def _worded(kind: str) -> str:
    return kind.replace("_QUERY", "").replace("_", " ")
