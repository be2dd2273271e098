"""`penguinmails billing`: what staff do about payments: wares at the provider, differences, what was set aside."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from api.cli.options import Data, StaffKey, settings_of
from api.cli.output import Group, Json, NotThere, Refused, as_json, data, rows, words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from api.cli.inside import Inside
    from application.billing.reconciling import Reconciliation
    from application.ports.payments import PaymentGateway
    from application.principals import Principal

app = typer.Typer(cls=Group, help="Payments and their provider.", no_args_is_help=True)


@contextmanager
def _provider(inside: Inside) -> Iterator[PaymentGateway]:
    """The payment provider; what it says against something becomes words."""
    from api.ops.errors import CannotRun
    from application.ports.payments import PaymentsError, PaymentsUnavailable, RateLimited

    if inside.parts.payments is None:
        raise NotThere(
            "No payment provider is set up: set PENGUINMAILS_STRIPE_KEY. The one of a demo is there while it is served."
        )
    try:
        yield inside.parts.payments
    except (PaymentsUnavailable, RateLimited) as error:
        raise CannotRun(f"The payment provider cannot be asked now: {error}") from None
    except PaymentsError as error:
        raise Refused(f"The payment provider refused: {error}") from None


async def _staff(inside: Inside, key: str | None) -> Principal:
    from domain.kernel.permissions import Permission

    who = await inside.principal(key, staff=True)
    who.require(Permission.PLATFORM_BILLING_MANAGE)
    return who


@app.command("ensure-wares")
def ensure_wares(*, key: StaffKey = None, data_folder: Data = None, json_: Json = False) -> None:
    """Make the products, prices and coupons of every catalogue at the payment provider that are not there.

    Whoever sells does so at its start. What was sold with other terms is refused by name, and nothing of it is changed.
    """
    from api.cli.inside import working
    from application.billing.stocking import Stocking

    del json_

    async def work(inside: Inside) -> None:
        await _staff(inside, key)
        with _provider(inside) as payments:
            made = await Stocking(payments).stock()
        lines = [f"catalogue {version}: {count} prices are there" for version, count in made.items()]
        data({"catalogues": made, "live": payments.livemode}, lines)

    working(settings_of(data_folder), work)


@app.command("reconcile")
def reconcile(
    *,
    tenant: Annotated[
        UUID | None, typer.Option("--tenant", help="The tenant's id; else all of them.", show_default=False)
    ] = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Enter what the provider has; else it is only shown.")
    ] = False,
    key: StaffKey = None,
    data_folder: Data = None,
    json_: Json = False,
) -> None:
    """Hold tenants' logs against the payment provider: every difference by its thing and field.

    The worker does so daily. What we have and the provider has not is named, never removed; what to do then is said.
    At the end come customers at the provider that are nobody's here, and what they paid there; with `--tenant` those
    that were made for it. As JSON each tenant is an object with what all of it comes to, what differs, and what is left
    for a person; the last object has the `unclaimed` customers, and how many `others` bear no note of ours.
    """
    from api.cli.inside import working
    from api.compared import compared
    from application.billing.totals import in_words

    async def work(inside: Inside) -> None:
        who = await _staff(inside, key)
        tenants = [tenant] if tenant is not None else await _tenants(inside, who)
        found = [(one, await _reconciled(inside, who, one, repair=repair)) for one in tenants]
        told = [{"tenant": str(one), **compared(one, result)} for one, result in found]
        differences = [
            {"tenant": one["tenant"], **difference} for one in told for difference in one["differences"]
        ]
        columns = ("tenant", "kind", "reference", "field", "theirs", "ours", "repaired")
        rows(told if json_ else differences, columns)
        for owner, result in found:
            for total in result.totals:
                words(f"{owner}: {in_words(total)}")
        for one in told:
            for left in one["unrepaired"]:
                words(f"{one['tenant']}: {left['reference']} differs still ({left['code']}). {left['next']}")
        things, repaired = sum(one["compared"] for one in told), sum(len(one["repaired"]) for one in told)
        stays = sum(len(one["unrepaired"]) for one in told)
        ends = f", {repaired} repaired, {stays} left for a person" if repair else ""
        words(f"{things} things of {len(told)} tenants compared{ends}.")
        await _strangers(inside, tenant)

    working(settings_of(data_folder), work)


async def _strangers(inside: Inside, tenant: UUID | None) -> None:
    """Tell which customers at the provider are nobody's here; with a tenant, of those that were made for it."""
    from api.compared import of_nobody
    from application.billing.remedies import UNCLAIMED
    from application.billing.totals import in_words_of_theirs
    from application.billing.unclaimed import strangers

    with _provider(inside) as payments:
        found = await strangers(inside.parts.commands, payments, tenant)
    if as_json():
        data(of_nobody(found))
    elif found.unclaimed:
        told = [
            {
                "customer": one.reference,
                "noted": one.noted,
                "subscriptions": one.subscriptions,
                "theirs": in_words_of_theirs(one.totals),
            }
            for one in found.unclaimed
        ]
        rows(told, ("customer", "noted", "subscriptions", "theirs"))
    if found.unclaimed:
        words(f"Customers at the provider that are nobody's here: {len(found.unclaimed)}. {UNCLAIMED}")
    if found.others:
        words(f"Customers there without a note of ours, who are somebody else's business: {found.others}.")


async def _tenants(inside: Inside, who: Principal) -> list[UUID]:
    found, _ = await inside.every("platform.tenants", who)
    return [UUID(one["id"]) for one in found]


async def _reconciled(inside: Inside, who: Principal, tenant_id: UUID, *, repair: bool) -> Reconciliation:
    from application.billing.reconciling import Reconciling
    from application.workflow import Because, Workflow
    from domain.kernel.ids import new_id

    commands = inside.parts.commands
    if await inside.parts.log.head(tenant_id) is None:
        raise NotThere(f"There is no tenant {tenant_id}.")
    because = Because(tenant_id, None, who.actor.member)
    workflow = Workflow(commands, tenant_id, new_id(inside.parts.clock()), because)
    with _provider(inside) as payments:
        return await Reconciling(commands, payments).reconcile(workflow, repair=repair)


@app.command("set-aside")
def set_aside(*, key: StaffKey = None, data_folder: Data = None, json_: Json = False) -> None:
    """Show what the payment provider told that changed nothing, and why: the latest first."""
    from api.cli.inside import working

    del json_

    async def work(inside: Inside) -> None:
        who = await _staff(inside, key)
        found, _ = await inside.every("platform.gateway_events", who, state="set_aside")
        rows(found, ("gateway_event_id", "reason", "kind", "about", "customer", "reference", "received_at"))
        if found:
            words(
                "What was in the way of one is gone? POST /v1/billing/ID/take-up-gateway-event with a key of staff."
            )
        else:
            words("Nothing was set aside.")

    working(settings_of(data_folder), work)
