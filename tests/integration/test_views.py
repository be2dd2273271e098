"""Every operational view over one history with every event it knows: live equals rebuilt, each shows its own."""

from uuid import UUID

import pytest

from application.queries import QUERIES, ById, PersonalFilter, Scope
from domain.kernel.errors import NotFound
from domain.kernel.ids import PLATFORM
from domain.kernel.permissions import Permission
from domain.kernel.personal import SEALED, KeyKind, personal_fields
from projections.jobs.due import JOBS
from projections.operational.views import VIEWS
from projections.runtime.compare import compare
from tests.support.database import Database
from tests.support.history import History, events
from tests.support.history_shown import EXPECTED
from tests.support.projecting import World, fresh

# One worker tells the history and projects it, and not each of them.
pytestmark = pytest.mark.xdist_group("views")

HANDLED = {name for projection in (*VIEWS, JOBS) for name in projection.handlers}


@pytest.fixture(scope="module")
def worlds(module_database: Database) -> tuple[World, History, History]:
    """Two tenants' histories, projected in batches of every size."""
    world = World(module_database, [*VIEWS, JOBS])
    mine, other = History(), History()
    for history in (mine, other):
        batches = [
            (history.tenant, events(history.of_tenant())),
            (PLATFORM, events(history.of_platform())),
        ]
        for tenant, happened in batches:
            done, size = 0, 1
            while done < len(happened):
                world.append(tenant, *happened[done : done + size])
                done, size = done + size, size + 1
                world.project()
        keys = [(history.tenant, str(history.subjects[2]), KeyKind.PROFILE)]
        world.keys.destroy(keys)
    return world, mine, other


def test_the_history_has_every_event_that_a_view_handles() -> None:
    history = History()
    told = {name for _, name, _ in (*history.of_tenant(), *history.of_platform())}
    assert sorted(HANDLED - told - {"tenancy.tenant_closed"}) == []


@pytest.mark.parametrize("name", [projection.name for projection in (*VIEWS, JOBS)])
def test_a_rebuild_equals_the_live_view(worlds: tuple[World, History, History], name: str) -> None:
    world, _, _ = worlds
    with world.projector.connect() as connection:
        found = compare(world.settings(), connection, name)
    assert (found.differences, found.skipped, found.tenants) == ([], 0, 3)
    assert found.rows > 0


STANDING = ("standings", "standing_coverage")


@pytest.mark.parametrize("name", sorted(EXPECTED))
async def test_a_view_shows_what_the_history_says(worlds: tuple[World, History, History], name: str) -> None:
    world, mine, _ = worlds
    params, rows = EXPECTED[name]
    page = await world.ask(name, Scope(mine.tenant), **params)
    shown = [row.model_dump() for row in page.rows]
    assert [{key: one[key] for key in expected} for one, expected in zip(shown, rows, strict=True)] == list(
        rows
    )


async def test_one_thing_is_found_by_its_id_and_only_by_its_own_tenant(
    worlds: tuple[World, History, History],
) -> None:
    world, mine, other = worlds
    ids = {
        "tenancy.tenant": mine.tenant,
        "tenancy.workspace": mine.workspace,
        "tenancy.member": mine.invited,
        "tenancy.api_key": mine.key,
        "tenancy.grant": mine.grant,
        "audience.contact": mine.anna,
        "audience.erasure": mine.subjects[2],
        "audience.contact_list": mine.list,
        "audience.contact_import": mine.imported,
        "webhooks.webhook_endpoint": mine.endpoint,
        "campaign.campaign": mine.campaign,
        "rights.request": mine.request,
        "rights.activity": mine.activity,
        "costs.cost": mine.cost,
        "finance.target": mine.target,
        "finance.exchange_rate": mine.rate,
        "sql.saved_query": mine.query,
        "reports.schedule": mine.schedule,
        "reports.delivery": mine.deliveries[0],
        "billing.notice": mine.notice,
        "retention.plan": mine.plan,
        "ledger.posting": mine.posting,
    }
    singles = {name for name, query in QUERIES.items() if query.single and query.context != "platform"}
    assert singles == set(ids)
    for name, id_ in ids.items():
        page = await world.ask(name, Scope(mine.tenant), id=id_)
        assert len(page.rows) == 1, name
        with pytest.raises(NotFound):
            await world.ask(name, Scope(other.tenant), id=id_)
    (detail,) = (await world.ask("audience.contact_import", Scope(mine.tenant), id=mine.imported)).rows
    assert (detail.warnings, detail.problems) == ({"odd-name": 2 + 2}, {"bad-email": 1})
    (campaign,) = (await world.ask("campaign.campaign", Scope(mine.tenant), id=mine.campaign)).rows
    assert (campaign.manager, campaign.officer) == (mine.invited, mine.owner)
    assert campaign.content["subject"] == "S"
    (member,) = (await world.ask("tenancy.member", Scope(mine.tenant), id=mine.invited)).rows
    assert member.workspaces == {mine.second: "member"}


async def test_the_platform_sees_its_register_and_its_people(worlds: tuple[World, History, History]) -> None:
    world, mine, _ = worlds
    register = (await world.ask("platform.tenants", Scope(PLATFORM), status="closed")).rows
    assert len(register) == 2
    told = (await world.ask("platform.gateway_events", Scope(PLATFORM))).rows
    assert sorted((one.state, one.reason or "", one.of_tenant is not None) for one in told) == [
        *[("placed", "", True)] * 2,
        *[("set_aside", "unknown-customer", False)] * 2,
        *[("waiting", "", False)] * 2,
        *[("waiting", "unknown-customer", False)] * 2,
    ]
    # All of them tell of a moment that is to come; only what has no place yet waits for it.
    assert {(one.state == "waiting", one.waits_until == one.happened_at) for one in told} == {
        (True, True),
        (False, False),
    }
    assert all(one.waits_until is None for one in told if one.state != "waiting")
    aside = (await world.ask("platform.gateway_events", Scope(PLATFORM), state="set_aside")).rows
    assert [one.state for one in aside] == ["set_aside"] * 2
    staff = (await world.ask("platform.staff", Scope(PLATFORM), role="operations")).rows
    assert mine.staff in {one.staff_id for one in staff}
    assert mine.ex_staff not in {one.staff_id for one in staff}
    assert (await world.ask("platform.tenants", Scope(mine.tenant))).rows == []


async def test_no_query_shows_anything_of_another_tenant_or_beyond_its_scope(
    worlds: tuple[World, History, History],
) -> None:
    world, mine, other = worlds
    foreign = {str(value) for value in vars(other).values() if isinstance(value, UUID)}
    for name, query in QUERIES.items():
        if query.single:
            continue
        page = await world.ask(name, Scope(mine.tenant))
        text = "".join(row.model_dump_json() for row in page.rows)
        assert not [one for one in foreign if one in text], name
        assert page.auth_epoch == 1
        hidden = await world.ask(name, Scope(mine.tenant, personal=False))
        for row in hidden.rows:
            assert {getattr(row, field) for field in personal_fields(type(row))} <= {SEALED}, name
    nowhere = frozenset({fresh()})
    (certificate,) = (await world.ask("audience.erasure", Scope(mine.tenant), id=mine.subjects[2])).rows
    assert [line.action for line in certificate.stores] == ["purged"]
    assert certificate.evidence_destroyed_at is not None
    within = (
        "contacts",
        "consents",
        "consent_timeline",
        "decisions",
        "erasures",
        "legal_holds",
        "lists",
        "imports",
        *STANDING,
    )
    for name in (*(f"audience.{one}" for one in within), "campaign.campaigns", "tenancy.workspaces"):
        assert (await world.ask(name, Scope(mine.tenant))).rows, name
        assert (await world.ask(name, Scope(mine.tenant, workspaces=nowhere))).rows == [], name


async def test_contacts_are_found_by_list_and_by_import(worlds: tuple[World, History, History]) -> None:
    world, mine, _ = worlds
    for filters in ({"list_id": mine.list}, {"import_id": mine.imported}):
        page = await world.ask("audience.contacts", Scope(mine.tenant), **filters)
        assert [row.contact_id for row in page.rows] == [mine.anna]
    assert ById(id=mine.anna).id == mine.anna


async def test_a_member_is_found_by_their_exact_address_by_who_may_read_it(
    worlds: tuple[World, History, History],
) -> None:
    world, mine, other = worlds
    for scope, email, expected in (
        (Scope(mine.tenant), "O@acme.example", [mine.owner]),
        (Scope(mine.tenant), "o@acme", []),
        (Scope(mine.tenant), "no address", []),
        (Scope(other.tenant), "o@ACME.example", [other.owner]),
    ):
        page = await world.ask("tenancy.members", scope, email=email)
        assert [row.member_id for row in page.rows] == expected, email
    with pytest.raises(PersonalFilter):
        await world.ask("tenancy.members", Scope(mine.tenant, personal=False), email="o@acme.example")


async def test_packs_of_reports_that_one_may_not_read_are_not_in_the_list(
    worlds: tuple[World, History, History],
) -> None:
    world, mine, _ = worlds
    for held, seen in (({"reports.read"}, 0), ({"reports.read", "costs.read", "tenant.read"}, 1)):
        scope = Scope(mine.tenant, held=frozenset(map(Permission, held)))
        assert len((await world.ask("packs.sealed_packs", scope)).rows) == seen
