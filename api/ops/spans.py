"""Where spans are: around the deciding and the appending of a command, and around each query."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from api.ops.tracing import NoTracer
from application.commanding import Commands
from application.queries import QUERIES

if TYPE_CHECKING:
    from api.ops.tracing import Tracer
    from application.orders import Order
    from application.ports.log import Appended, ReceiptKey
    from application.queries import Page, Query
    from application.unit import Unit


def commands_with(tracer: Tracer) -> type[Commands]:
    """The command path; with a tracer, each command shows how long it was decided and how long it was appended.

    `append` holds the wait for the group that the command was committed with.
    """
    if isinstance(tracer, NoTracer):
        return Commands

    class Traced(Commands):
        async def _decide(self, order: Order, unit: Unit, *, assume_new: bool) -> None:
            with tracer.span("decide", command=_name(order)):
                await super()._decide(order, unit, assume_new=assume_new)

        async def _append(self, order: Order, unit: Unit, receipt: ReceiptKey) -> Appended:
            with tracer.span("append", command=_name(order), events=len(unit.events)):
                return await super()._append(order, unit, receipt)

    return Traced


def _name(order: Order) -> str:
    kind = type(order.command)
    return f"{kind.context}.{kind.slug}"


def trace_queries(tracer: Tracer) -> None:
    """Put a span around every query of this process."""
    if isinstance(tracer, NoTracer):
        return
    for name, query in QUERIES.items():
        QUERIES[name] = replace(query, run=_traced(tracer, query))


def _traced(tracer: Tracer, query: Query) -> Any:
    async def run(*arguments: Any, **options: Any) -> Page[Any]:
        with tracer.span("query", query=query.name):
            return await query.run(*arguments, **options)

    return run
