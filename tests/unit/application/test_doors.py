"""What a person's page says that holds: what they said themselves; and how what they say is entered for certain."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from application.contention import TooMuchContention
from application.door_tokens import Door, DoorToken
from application.doors import Doors
from application.ports.log import OutcomeUnknown
from domain.audience.addressee import ADDRESSEE
from domain.audience.addressee_events import AddresseeRegistered, AddresseeSuppressed
from domain.audience.consent_commands import OptOutChannel
from domain.audience.consent_events import OptedOut
from domain.audience.own_word import HeedOptOut
from domain.kernel.events import Event
from domain.kernel.ids import AddresseeId, WorkspaceId
from domain.law.facts import Scope
from domain.tenancy.tenant import TENANT as TENANTS
from domain.tenancy.tenant import TenantOpened
from tests.support.given import NOW, TENANT, uid

if TYPE_CHECKING:
    from application.orders import Order

WHO, BRAND = AddresseeId(uid(10)), WorkspaceId(uid(3))
OPENED = TenantOpened.model_validate(
    {"tenant_id": TENANT, "tenant_name": "Acme", "slug": "acme", "plan": "business", "country": "GB"}
)
PAGE = DoorToken(Door.PREFERENCES, TENANT, WHO, BRAND, uid(4), "offers")


class Log:
    """Answers with the state of what happened to one person of one tenant."""

    def __init__(self, *happened: Event) -> None:
        registered = AddresseeRegistered(addressee_id=WHO, email="ann@example.org")
        self._states: dict[str, Any] = {
            "tenant": TENANTS.fold([OPENED]),
            "addressee": ADDRESSEE.fold([registered, *happened]),
        }

    async def state(self, _: UUID, category: str, __: UUID) -> Any:
        return self._states.get(category)


async def in_force(*happened: Event) -> Any:
    commands: Any = Log(*happened)
    return await Doors(commands).in_force(PAGE)


async def test_a_complaint_that_the_platform_entered_is_no_stop_of_the_persons() -> None:
    by_platform = AddresseeSuppressed(
        addressee_id=WHO, kind="complaint", scope=Scope.PLATFORM, occurred_at=NOW
    )
    shown = await in_force(by_platform)
    assert (shown.everything, shown.objected, shown.elsewhere) == (False, False, False)


async def test_what_they_stopped_of_another_kind_is_elsewhere() -> None:
    other = OptedOut(
        addressee_id=WHO, scope=Scope.CAMPAIGN_TYPE, within="news", occurred_at=NOW, channel="page"
    )
    shown = await in_force(other)
    assert (shown.of_campaign_type, shown.elsewhere) == (False, True)


class Broken(Log):
    """Raises what it is given, one a try, and then takes what is said."""

    def __init__(self, *raised: Exception) -> None:
        super().__init__()
        self.raised = list(raised)
        self.taken = 0

    async def rehearse(self, _: Order) -> Any:
        return SimpleNamespace(rehearsed=(object(),))

    async def execute(self, _: Order) -> None:
        if self.raised:
            raise self.raised.pop(0)
        self.taken += 1


async def _stop(commands: Any) -> None:
    await Doors(commands).heed(PAGE, HeedOptOut(channel=OptOutChannel.PAGE), "request")


async def test_what_may_not_have_been_committed_is_said_again() -> None:
    commands = Broken(OutcomeUnknown("cut off"), OutcomeUnknown("cut off"))
    await _stop(commands)
    assert commands.taken == 1


async def test_who_waited_for_their_turn_in_vain_does_not_wait_once_more() -> None:
    commands = Broken(TooMuchContention())
    with pytest.raises(TooMuchContention):
        await _stop(commands)
    assert commands.taken == 0
