"""Where a tenant's people pay: the provider's own pages, to which they are sent."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from application.billing.telling import GOING
from application.entitlements import within
from application.ports.payment_values import CheckoutOrder, Line
from application.ports.payments import KeyReused
from application.unit import Unit
from application.workflow import Asking, Because, Workflow
from domain.billing.account import AlreadySubscribed, LinkCustomer
from domain.billing.account_state import Overage
from domain.billing.catalogue import Meter
from domain.billing.change import bought_new
from domain.billing.gateway import STRIPE, ReserveGatewayCustomer, gateway_customer_id
from domain.billing.settling import goes_on, limits_of
from domain.billing.tariffs import tariff_on
from domain.kernel.commands import Stamp
from domain.kernel.errors import Refusal
from domain.kernel.ids import PLATFORM, TenantId, new_id
from domain.tenancy.plans import Plan

if TYPE_CHECKING:
    from datetime import date
    from uuid import UUID

    from application.commanding import Commands
    from application.ports.payment_values import CheckoutSession
    from application.ports.payments import PaymentGateway
    from application.principals import Principal
    from domain.billing.account_state import Account
    from domain.billing.change import Wanted
    from domain.billing.subscription import Subscription

_AHEAD: Final = timedelta(days=2)
"""A trial that ends sooner is none to the provider."""


class NoCustomer(Refusal):
    """Who never bought anything has nothing to look after. Buy something by a checkout first."""

    code = "no-customer"


class CheckoutReplaced(Refusal):
    """One page to pay on is open at a time, and this one was closed. Ask for a page with a key that is new."""

    code = "checkout-replaced"


class CheckoutChanged(Refusal):
    """A key opens the same page always, and what this one would open is another by now. Ask with a key that is new.

    Another plan was asked for with it before, or what is bought by use, tried out or sold has changed since.
    """

    code = "checkout-changed"


def _by_use(account: Account, wanted: Wanted, today: date) -> tuple[Line, ...]:
    """What is billed by use, for who said so before: as long as nothing is used, nothing is paid for it.

    A page takes prices of one interval alone. What is paid in another one is added when the subscription began.
    """
    tariffs = [
        tariff_on(Meter(meter), today)
        for meter, said in account.overage.items()
        if said.policy is Overage.BUY
    ]
    prices = [tariff.price(wanted.currency) for tariff in tariffs if tariff is not None]
    return tuple(
        Line(price.id, None) for price in prices if price is not None and price.interval == wanted.interval
    )


class Buying:
    """Sends people to pay."""

    def __init__(self, commands: Commands, payments: PaymentGateway) -> None:
        """Act through `commands` and `payments`."""
        self._commands = commands
        self._payments = payments

    async def checkout(
        self,
        principal: Principal,
        wanted: Wanted,
        *,
        success_url: str,
        cancel_url: str,
        key: str,
        asking: Asking | None = None,
    ) -> CheckoutSession:
        """A page on which the tenant subscribes to what is wanted. Raises `Refusal`s and `PaymentsError`s.

        `asking`: whose request it is, for what is entered in the tenant's log.
        """
        tenant_id = TenantId(principal.tenant_id)
        account = await self._account(tenant_id)
        if await self._subscribed(tenant_id, account):
            raise AlreadySubscribed.to(account)
        if account.customer is not None and await self._goes_on_there(account.customer.reference):
            raise AlreadySubscribed.to(account)
        now = self._commands.clock()
        lines, coupon = bought_new(wanted, now.date())
        stamp = Stamp(now, new_id(now), principal.actor, tenant_id, tenant_id)
        unit = Unit(self._commands.streams, stamp, fresh=True)
        await within(unit, limits_of(Plan(wanted.plan), lines, now.date()))
        trial = account.trial
        until = (
            trial.ends_at if trial is not None and not trial.over and trial.ends_at > now + _AHEAD else None
        )
        order = CheckoutOrder(
            customer=await self._customer(principal, account, asking),
            tenant_id=tenant_id,
            plan=wanted.plan,
            lines=(
                *(Line(price, quantity) for price, quantity in lines.items()),
                *_by_use(account, wanted, now.date()),
            ),
            success_url=success_url,
            cancel_url=cancel_url,
            coupon=coupon,
            trial_end=until,
        )
        try:
            session = await self._payments.checkout(order, key=f"checkout/{tenant_id}/{key}")
        except KeyReused:
            raise CheckoutChanged from None
        await self._alone(order.customer, session)
        return session

    async def _alone(self, customer: str, session: CheckoutSession) -> None:
        """Close every page that was opened before, and this one too where somebody has paid on one of those."""
        pages = [one.ref for one in await self._payments.open_checkouts(customer)]
        there = session.ref in pages
        for earlier in pages[pages.index(session.ref) + 1 :] if there else ():
            await self._payments.expire_checkout(earlier, key=f"expire/{earlier}")
        if await self._goes_on_there(customer):
            if there:
                await self._payments.expire_checkout(session.ref, key=f"expire/{session.ref}")
            raise AlreadySubscribed
        if not there:
            raise CheckoutReplaced

    async def _goes_on_there(self, customer: str) -> bool:
        """Whether something is subscribed to at the provider: it stands there before it stands here."""
        return any(one.status in GOING for one in await self._payments.subscriptions(customer))

    async def portal(self, principal: Principal, return_url: str, *, key: str) -> str:
        """The address of the page where the tenant sees its invoices and changes how it pays."""
        account = await self._account(TenantId(principal.tenant_id))
        if account.customer is None:
            raise NoCustomer
        key = f"portal/{principal.tenant_id}/{key}"
        return await self._payments.portal(account.customer.reference, return_url, key=key)

    async def _customer(self, principal: Principal, account: Account, asking: Asking | None) -> str:
        """The tenant's customer; made once, reserved to it in the platform's log, and linked in its own."""
        if account.customer is not None:
            return account.customer.reference
        tenant_id = TenantId(principal.tenant_id)
        reference = await self._payments.create_customer(tenant_id, key=f"customer/{tenant_id}")
        # The platform's log gets nothing of who asked but their id: what is sealed there outlives the tenant.
        member = principal.actor.member
        workflow = Workflow(self._commands, PLATFORM, tenant_id, Because(tenant_id, None, member))
        theirs = Workflow(self._commands, tenant_id, tenant_id, Because(tenant_id, None, member, asking))
        reserve = ReserveGatewayCustomer(gateway=STRIPE, reference=reference, tenant_id=tenant_id)
        target = gateway_customer_id(STRIPE, reference)
        await workflow.execute(reserve, target, key=f"gateway-customer/{target}", opens_log=True)
        link = LinkCustomer(gateway=STRIPE, reference=reference, live=self._payments.livemode)
        await theirs.execute(link, tenant_id, key=f"gateway-customer/{target}/linked")
        return reference

    async def _account(self, tenant_id: UUID) -> Account:
        account: Account = await self._commands.state(tenant_id, "billing_account", tenant_id)
        return account

    async def _subscribed(self, tenant_id: UUID, account: Account) -> bool:
        for subscription_id in account.subscriptions:
            state: Subscription = await self._commands.state(tenant_id, "subscription", subscription_id)
            if state.reference is not None and state.terms is not None and goes_on(state.terms):
                return True
        return False
