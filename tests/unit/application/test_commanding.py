"""The command path, on a log in memory that judges requests as the real one does."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest

from application.commanding import Commands, StaleVersion
from application.contention import Contention, Queues, TooMuchContention
from application.ports.log import KeyReused
from application.principals import AccessEnded, MissingPermission, Principal, TenantSuspended
from application.pseudonyms import pseudonym
from application.unit import Streams
from application.workflow import Because, Workflow
from domain.audience.consent_commands import OptOutChannel, RecordConsent, RecordOptOut
from domain.audience.contact import Contact, ContactErased, EraseContact, UpdateContact
from domain.audience.contact_list import ArchiveList, CreateList, RenameList
from domain.audience.email_claim import AddressTaken
from domain.audience.intake.vocabularies import Source
from domain.billing.account import StartTrial
from domain.billing.account_state import READING_ALONE, Access
from domain.kernel.errors import NotFound
from domain.kernel.ids import MemberId, WorkspaceId
from domain.kernel.permissions import Permission
from domain.tenancy.ownership import TransferOwnership
from domain.tenancy.plans import Plan
from domain.tenancy.tenant import CloseTenant
from domain.tenancy.workspace import CreateWorkspace
from tests.support.office import Office, ada

if TYPE_CHECKING:
    from application.unit import Folded


async def test_a_command_becomes_events_at_positions(office: Office) -> None:
    before = await office.position()
    outcome = await office.do(ada(office))
    names = [event.name for event in outcome.events]
    assert sorted(names) == [
        "audience.addressee_registered",
        "audience.contact_created",
        "audience.email_claimed",
    ]
    assert [event.position for event in outcome.events] == [before + 1, before + 2, before + 3]
    state = await office.commands.state(office.principal.tenant_id, "contact", outcome.target)
    assert isinstance(state, Contact)
    assert state.first_name == "Ada"


async def test_events_of_one_stream_are_numbered_in_their_order(office: Office) -> None:
    await office.do(ada(office))
    rows = await office.log.read_log(office.principal.tenant_id)
    (addressee,) = [row.stream for row in rows if row.name == "audience.addressee_registered"]
    target = UUID(addressee.partition(":")[2])
    now = datetime.now(UTC)
    out = RecordOptOut(channel=OptOutChannel.REPLY, occurred_at=now - timedelta(days=3))
    await office.do(out, target)
    before = await office.position()
    again = RecordConsent(
        occurred_on=now.date(), source=Source.EVENT, explicit=True, wording="Write to me again."
    )
    outcome = await office.do(again, target)
    assert [(event.name, event.version, event.position) for event in outcome.events] == [
        ("audience.consent_recorded", 3, before + 1),
        ("audience.opt_out_lifted", 4, before + 2),
    ]
    assert {event.stream for event in outcome.events} == {addressee}
    stored = await office.log.read_log(office.principal.tenant_id, after=before)
    assert [(row.name, row.version, row.position) for row in stored] == [
        (event.name, event.version, event.position) for event in outcome.events
    ]


async def test_no_key_is_made_on_the_event_loop_not_even_for_the_actors_address(office: Office) -> None:
    office.keys.makers.clear()
    await office.commands.execute(office.order(ada(office))._replace(ip="192.0.2.1"))
    assert office.keys.makers
    assert threading.main_thread().name not in office.keys.makers


async def test_the_same_key_gives_the_same_answer_and_appends_nothing(office: Office) -> None:
    first = await office.do(ada(office), key="once")
    before = await office.position()
    again = await office.do(ada(office), key="once")
    assert again.replayed
    assert (again.target, again.command_id, again.events) == (first.target, first.command_id, first.events)
    assert again.version == first.version
    assert await office.position() == before


async def test_a_key_with_another_body_is_told_apart_even_where_a_rule_would_refuse(office: Office) -> None:
    await office.do(ada(office), key="once")
    with pytest.raises(KeyReused):
        await office.do(ada(office, first_name="Augusta"), key="once")
    with pytest.raises(AddressTaken):
        await office.do(ada(office), key="another")


async def test_a_refusal_is_judged_anew(office: Office) -> None:
    unknown = uuid4()
    with pytest.raises(NotFound):
        await office.do(RenameList(name="Later"), unknown, key="retry")
    await office.do(CreateList(workspace_id=office.workspace, name="Now"), unknown)
    assert not (await office.do(RenameList(name="Later"), unknown, key="retry")).replayed


async def test_a_stale_cache_is_never_the_reason_for_an_answer(office: Office) -> None:
    listed = await office.do(CreateList(workspace_id=office.workspace, name="One"))
    elsewhere = Commands(
        office.log,
        office.commands._codec,
        office.commands._keys,
        office.commands._key_maker,
        Streams(office.log, office.commands._codec, office.commands._keys),
        lambda: datetime.now(UTC),
    )
    await elsewhere.execute(office.order(RenameList(name="Two"), listed.target))
    # To this process the list is still "One": a no-op on the cache, a change in truth.
    back = await office.do(RenameList(name="One"), listed.target)
    assert [event.name for event in back.events] == ["audience.list_renamed"]


async def test_commands_that_meet_on_a_stream_all_apply(office: Office) -> None:
    listed = await office.do(CreateList(workspace_id=office.workspace, name="0"))
    names = [str(number) for number in range(1, 6)]
    await asyncio.gather(*(office.do(RenameList(name=name), listed.target) for name in names))
    (rows,) = await office.log.read_streams(office.principal.tenant_id, [(f"list:{listed.target}", 0)])
    assert [row.version for row in rows] == [1, 2, 3, 4, 5, 6]


async def test_the_version_that_a_caller_names_must_be_the_present_one(office: Office) -> None:
    listed = await office.do(CreateList(workspace_id=office.workspace, name="One"))
    stale = office.order(RenameList(name="Two"), listed.target)._replace(expected_version=7)
    with pytest.raises(StaleVersion) as refused:
        await office.commands.execute(stale)
    assert refused.value.extra["current"] == 1


async def test_a_missing_permission_is_named(office: Office) -> None:
    office.principal = replace(office.principal, permissions=frozenset({Permission.CONTACTS_READ}))
    with pytest.raises(MissingPermission, match=r"contacts\.write"):
        await office.do(ada(office))


async def test_a_suspended_tenant_writes_nothing_and_may_be_closed(office: Office) -> None:
    office.principal = replace(office.principal, suspended=True)
    heir = TransferOwnership(member_id=MemberId(uuid4()))
    for command, target in ((ada(office), None), (heir, office.principal.tenant_id)):
        with pytest.raises(TenantSuspended):
            await office.do(command, target)
    closed = await office.do(CloseTenant(tenant_slug="agency"), office.principal.tenant_id)
    assert [event.name for event in closed.events] == ["tenancy.tenant_closed"]


@pytest.mark.parametrize("access", sorted(Access))
async def test_who_does_not_pay_writes_nothing_and_may_pay(office: Office, access: Access) -> None:
    office.principal = replace(office.principal, access=access)
    if access in READING_ALONE:
        with pytest.raises(AccessEnded) as refused:
            await office.do(ada(office))
        assert refused.value.extra == {"access": access.value}
        pays_what_is_open = "Pay what is open (`POST /v1/billing/portal`" in refused.value.detail
        subscribes = "Subscribe (`POST /v1/billing/checkout`" in refused.value.detail
        assert (pays_what_is_open, subscribes) == (access is Access.SUSPENDED, access is not Access.SUSPENDED)
    else:
        await office.do(ada(office))
    started = await office.do(StartTrial(plan=Plan.STARTER), office.principal.tenant_id)
    assert started.events[0].name == "billing.trial_started"


async def test_a_credential_of_one_workspace_finds_nothing_in_another(office: Office) -> None:
    elsewhere = (await office.do(CreateWorkspace(name="Elsewhere"))).target
    held = {elsewhere: frozenset({Permission.CONTACTS_WRITE})}
    confined = replace(office.principal, permissions=frozenset(), workspaces=held)
    office.principal, whole = confined, office.principal
    with pytest.raises(NotFound):
        await office.do(ada(office))
    assert (await office.do(ada(office, workspace_id=elsewhere))).events
    assert whole.permissions


async def test_a_credential_of_one_workspace_learns_nothing_of_another_by_what_is_refused(
    office: Office,
) -> None:
    elsewhere = (await office.do(CreateWorkspace(name="Elsewhere"))).target
    there = (await office.do(ada(office))).target
    listed = (await office.do(CreateList(workspace_id=office.workspace, name="One"))).target
    await office.do(ArchiveList(), listed)
    held = {
        elsewhere: frozenset({Permission.CONTACTS_WRITE, Permission.CONSENT_WRITE, Permission.LISTS_WRITE})
    }
    office.principal = replace(office.principal, permissions=frozenset(), workspaces=held)
    unheard_of = CreateList(workspace_id=WorkspaceId(uuid4()), name="x")
    asked = [
        office.order(ada(office)),  # the address is there
        office.order(ada(office, email="bob@example.org")),  # it is not
        office.order(ada(office, workspace_id=elsewhere), there),  # the id is
        office.order(RenameList(name="Two"), listed),  # archived
        office.order(RenameList(name="Two"), listed)._replace(expected_version=9),
        office.order(UpdateContact(first_name="Ada"), there),  # nothing to be done
        office.order(RecordOptOut(channel=OptOutChannel.REQUEST), uuid4()),  # of the whole tenant
        office.order(unheard_of),
    ]
    for order in asked:
        for ask in (office.commands.execute, office.commands.rehearse):
            with pytest.raises(NotFound) as caught:
                await ask(order)
            assert (type(caught.value), caught.value.extra) == (NotFound, {}), order.command
    overlay: dict[str, Folded] = {}
    made = office.order(CreateList(workspace_id=WorkspaceId(elsewhere), name="Mine"), uuid4())
    assert (await office.commands.rehearse(made, overlay)).rehearsed
    assert (
        await office.commands.rehearse(office.order(RenameList(name="2"), made.target), overlay)
    ).rehearsed
    taken = office.order(ada(office, workspace_id=elsewhere))
    assert (await office.commands.execute(taken)).events
    with pytest.raises(AddressTaken):
        await office.commands.execute(taken)


async def test_a_receipt_outlives_the_pseudonym_key_it_was_made_under(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await office.do(ada(office), key="once")
    tenant_id, streams = office.principal.tenant_id, office.commands.streams
    current = streams.pseudonyms

    def both(tenant: UUID, purpose: str, value: str) -> list[str]:
        return [pseudonym(b"newer", purpose, value), *current(tenant, purpose, value)]

    monkeypatch.setattr(streams, "pseudonyms", both)  # as after a rotation
    again = await office.do(ada(office), key="once")
    assert (again.replayed, again.target) == (True, first.target)
    with pytest.raises(KeyReused):
        await office.do(ada(office, first_name="Eve"), key="once")
    assert (await office.do(CreateList(workspace_id=office.workspace, name="x"), key="new")).appended
    assert await office.log.receipt(tenant_id, office.commands.receipt_hmacs(tenant_id, "new"))


async def test_no_caller_takes_the_key_of_a_workflows_step(office: Office) -> None:
    workflow = Workflow(office.commands, office.principal.tenant_id, uuid4(), Because(uuid4()))
    caller = office.order(ada(office), key="step/1")._replace(
        principal=replace(office.principal, auth_epoch=None)
    )
    await office.commands.execute(caller)
    step = CreateList(workspace_id=office.workspace, name="By a workflow")
    assert not (await workflow.execute(step, uuid4(), key="step/1")).replayed
    hmacs = office.commands.receipt_hmacs(office.principal.tenant_id, "step/1")
    found = await office.log.receipt(office.principal.tenant_id, hmacs)
    assert found is not None
    assert found.command == "audience.create-contact"


async def test_access_that_changed_is_looked_up_again(office: Office) -> None:
    fresh = office.principal
    assert fresh.auth_epoch is not None
    asked: list[int] = []

    async def refresh() -> Principal:
        asked.append(1)
        return fresh

    stale = office.order(ada(office))._replace(
        principal=replace(fresh, auth_epoch=fresh.auth_epoch - 1), refresh=refresh
    )
    assert (await office.commands.execute(stale)).events
    assert asked == [1]


async def test_a_rehearsal_shows_the_events_and_leaves_no_trace(office: Office) -> None:
    before = await office.position()
    rehearsed = await office.commands.rehearse(office.order(ada(office), key="dry"))
    assert sorted(event.name for event in rehearsed.rehearsed) == [
        "audience.addressee_registered",
        "audience.contact_created",
        "audience.email_claimed",
    ]
    assert await office.position() == before
    assert not (await office.do(ada(office), key="dry")).replayed


async def test_an_erased_person_is_found_nowhere_in_what_is_read_back(office: Office) -> None:
    made = await office.do(ada(office))
    erased = await office.do(EraseContact(), made.target)
    assert ContactErased.name in [event.name for event in erased.events]
    again = await office.do(ada(office))
    assert again.target != made.target


async def test_updates_that_change_nothing_append_nothing(office: Office) -> None:
    made = await office.do(ada(office))
    before = await office.position()
    same = await office.do(UpdateContact(first_name="Ada"), made.target, key="same")
    assert same.events == ()
    assert await office.position() == before
    assert (await office.do(UpdateContact(first_name="Ada"), made.target, key="same")).replayed


async def test_who_meets_others_for_too_long_is_told_to_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    async def passing(seconds: float) -> None:
        waited.append(seconds)

    moments = iter([0.0, *[1.0] * 31, 10.0])
    monkeypatch.setattr("application.contention.monotonic", lambda: next(moments))
    monkeypatch.setattr("application.contention.sleep", passing)
    stream = (uuid4(), "list:1")
    with Contention(Queues()) as contention:
        for _ in range(31):  # first for its turn, then for others
            await contention.let_pass(*stream)
        with pytest.raises(TooMuchContention):
            await contention.let_pass(*stream)
    assert max(waited) <= 0.25
    assert len(set(waited)) == 30
