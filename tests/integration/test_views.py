"""Every operational view over one history with every event it knows: live equals rebuilt, each shows its own."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any
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
from tests.support.history_of_people import LATER
from tests.support.projecting import World, fresh

FIRST, LAST = date(2026, 10, 1), date(2026, 10, 31)
DISPATCHED = datetime(2026, 3, 2, 10, 1, tzinfo=UTC)
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
FIRST_QUARTER = date(2026, 2, 1)
EXPECTED: dict[str, tuple[dict[str, Any], Sequence[dict[str, Any]]]] = {
    "tenancy.workspaces": ({}, [{"name": "Two", "archived": True}, {"name": "First", "archived": False}]),
    "tenancy.members": (
        {},
        [
            {"status": "invited", "owner": False, "role": "member", "full_name": "Ivo"},
            {"status": "joined", "owner": True, "role": "owner", "workspaces": {}},
        ],
    ),
    "tenancy.api_keys": (
        {},
        [{"label": "old", "live": False}, {"label": "k", "live": False}, {"label": "robot", "live": True}],
    ),
    "tenancy.grants": ({"status": "approved"}, [{"reason": "a bug", "ticket": "T-1"}]),
    "audience.contacts": ({}, [{"email": "anna@x.example", "country": "FR", "attributes": {"city": "B"}}]),
    "audience.consents": (
        {},
        [
            {"entry": 6, "what": "consent", "kind": "single", "state": "retracted"},
            {"entry": 5, "what": "consent", "kind": "single", "state": "standing"},
            {"entry": 3, "what": "consent", "kind": "single", "state": "standing"},
            {"entry": 3, "what": "consent", "kind": "single", "state": "standing"},
            {"entry": 10, "what": "suppression", "state": "lifted", "scope": "workspace"},
            {"entry": 7, "what": "relation", "kind": "contract", "state": "ended"},
            {"entry": 5, "what": "opt_out", "kind": "unsubscribe", "state": "lifted"},
            {"entry": 3, "what": "consent", "kind": "double", "state": "withdrawn", "documented": False},
            {"entry": 2, "what": "confirmation_request", "state": "confirmed"},
            {"entry": 1, "what": "consent", "kind": "single", "state": "retracted"},
            {"what": "suppression", "kind": "erasure", "state": "standing", "entry": 2},
            {"what": "suppression", "kind": "erasure", "state": "standing", "entry": 1},
        ],
    ),
    "audience.decisions": (
        {"superseded": True},
        [
            {"entry": 13, "verdict": "allow", "law": "de", "superseded": False, "dispatched_at": DISPATCHED},
            {"entry": 12, "verdict": "hold", "rule": "no-country", "superseded": True, "dispatched_at": None},
        ],
    ),
    "audience.erasures": (
        {},
        [
            {"status": "erased", "held": True, "evidence_until": None, "certified_at": None},
            {"status": "certified", "held": False, "evidence_until": None},
        ],
    ),
    "audience.legal_holds": ({"standing": False}, [{"entry": 3}]),
    "audience.standings": (
        {},
        [
            {"verdict": "allow", "law": "ca", "basis": "express consent", "entries": [5], "contact_ids": []},
            {"verdict": "allow", "law": "ca", "entries": [3], "workspace_id": None},
            {"verdict": "deny", "law": "fr", "rule": "otherwise", "basis": None, "until": None},
            {"verdict": "hold", "law": None, "rule": "country-unknown", "missing": ["country"]},
        ],
    ),
    "audience.standing_coverage": (
        {},
        [
            {"verdict": "allow", "law": "ca", "basis": "express consent", "people": 2},
            {"verdict": "deny", "law": "fr", "basis": None, "people": 1},
            {"verdict": "hold", "law": None, "basis": None, "people": 1},
        ],
    ),
    "audience.lists": ({}, [{"name": "Everybody", "archived": True, "members": 1}]),
    "audience.imports": (
        {},
        [
            {"status": "expired", "rows": 0, "files_until": LATER},
            {"status": "failed", "problem": "broken-quote"},
            {"status": "cancelled", "rows": 0},
            {"status": "rolled_back", "rows": 3, "imported": 1, "updated": 1, "rejected": 1, "kept": 1},
        ],
    ),
    "campaign.campaigns": (
        {},
        [
            {"state": "archived", "outcome": None, "recipients": 2},
            {"state": "draft", "outcome": "withdrawn", "recipients": None},
            {"state": "draft", "outcome": "voided", "answer_by": None},
            {"state": "draft", "outcome": "timed_out", "parts": None},
            {"state": "draft", "outcome": "rejected", "manager": None},
            {
                "state": "approved",
                "outcome": "approved",
                "name": "Axes",
                "campaign_type": "news",
                "countries": ["DE"],
                "content_hash": "cd",
                "missing": [],
                "missing_tokens": [],
                "recipients": 2,
                "answer_by": LATER,
                "parts": ["campaign_manager", "compliance_officer"],
            },
        ],
    ),
    "costs.costs": (
        {"month": "2026-10", "category": "server"},
        [
            {"state": "reversed", "reversal_reason": "duplicate", "amount": 999},
            {
                "state": "confirmed",
                "amount": 1_049,
                "estimated_amount": 999,
                "approximate": False,
                "reference": "H-1",
            },
            {"state": "entered", "amount": 999, "currency": "USD", "approximate": True, "covers_to": LAST},
        ],
    ),
    "costs.allocation_rules": (
        {},
        [{"pool": "shared-servers", "allocated_by": "weights", "from_day": FIRST}],
    ),
    "finance.periods": ({}, [{"period": "2026-10", "locked": True, "reason": "mistake"}]),
    "finance.targets": (
        {"period_kind": "quarter"},
        [
            {"withdrawn": True, "value": "250000"},
            {"withdrawn": False, "value": "260000"},
            {"withdrawn": False, "value": "250000", "metric": "mrr", "period": "2026-Q4"},
        ],
    ),
    "packs.sealed_packs": (
        {"definition": "finance", "about": FIRST_QUARTER},
        [{"log_position": "1.1", "figures": 7, "needs": ["costs.read", "reports.read"]}],
    ),
    "reports.schedules": (
        {},
        [{"status": "removed", "title": "All books", "next_at": None, "time_zone": "Europe/Berlin"}],
    ),
    "reports.deliveries": (
        {},
        [
            {"status": "skipped", "skipped": 2, "files": None, "reason": None},
            {"status": "dropped", "skipped": None, "mailed": 1},
            {"status": "failed", "reason": "error", "log_position": "1.1", "mailed": 0},
            {"status": "partly", "mailed": 1, "folder": "books"},
            {"status": "delivered", "mailed": 1, "folder": "books", "withheld": [], "log_position": "1.1"},
        ],
    ),
    "sql.queries": ({}, [{"title": "Two", "sql": "SELECT 2"}]),
    "billing.account": (
        {},
        [
            {
                "access": "suspended",
                "plan": "starter",
                "limits": {"users": 2},
                "trial_plan": "starter",
                "trial_over": True,
                "emails_beyond": True,
                "overage": "buy",
                "overage_ceiling": 7,
                "customer": "c",
                "usage_notices": False,
                "notice_language": "de",
            }
        ],
    ),
    "billing.notices": (
        {"status": "not_sent"},
        [{"kind": "usage_reached", "meter": "users", "threshold": 80, "reason": "turned_off", "mailed": 0}],
    ),
    "billing.usage": (
        {},
        [
            {
                "meter": "emails",
                "period": "2026-03",
                "used": 1,
                "share": None,
                "beyond": 3,
                "reported": 3,
                "expected": 100,
                "currency": "USD",
            },
            {"meter": "workspaces", "period": None, "used": 1, "limit": None},
            {"meter": "users", "period": None, "used": 2, "limit": 2, "share": 100.0},
        ],
    ),
    "webhooks.webhook_endpoints": (
        {},
        [
            {"state": "removed", "pause_reason": None, "replays": 0},
            {"state": "paused", "pause_reason": "failing", "events": ["audience.*"], "replays": 1},
        ],
    ),
}


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
