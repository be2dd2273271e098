"""What the platform suppresses comes into every tenant's log, whoever opens, enters, erases or is killed meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from application.importing.running import Interrupted
from application.platform_suppressions import AddressLost, PlatformSuppressions
from application.ports.log import Recorded
from application.workflow import Because, Workflow
from domain.kernel.ids import PLATFORM
from domain.kernel.permissions import StaffRole
from domain.kernel.personal import ERASED, KeyKind
from domain.platform.suppression import (
    AddressReleased,
    AddressSuppressed,
    ForgetSuppression,
    SuppressionStillNeeded,
)
from tests.support.api import serving
from tests.support.database import Database
from tests.support.platform import ANN, BARRED, BOB, Platform, bought, contact, verdict
from tests.support.suppressions import behind, hashed, listing, standing, take_in


@pytest.fixture
async def platform(database: Database, tmp_path: Path) -> AsyncIterator[Platform]:
    async with serving(database, tmp_path) as api:
        _, key = await api.staff(StaffRole.OPERATIONS)
        yield Platform(api, key, database)


async def test_it_holds_in_each_tenant_for_who_is_there_and_for_who_comes(platform: Platform) -> None:
    has, has_not = await platform.opened("Has"), await platform.opened("Lacks")
    ann = await contact(has, ANN)
    assert (await verdict(has, ann))[0] == "allow"
    await platform.suppress(ANN.upper())
    assert await platform.worker.work_off() == ["suppression.copy"]
    assert await verdict(has, ann) == BARRED
    assert await verdict(has_not, await contact(has_not, ANN)) == BARRED
    assert (await verdict(has, await contact(has, BOB)))[0] == "allow"
    later = await platform.opened("Later")
    assert await verdict(later, await contact(later, ANN)) == BARRED
    assert await platform.worker.work_off() == []
    for one in (has, has_not, later):
        assert standing(await behind(one, ANN)) == [("complaint", "platform", None)]


async def test_abuse_holds_back_what_is_no_advertising_too(platform: Platform) -> None:
    tenant = await platform.opened("Acme")
    ann, bob = await contact(tenant, ANN), await contact(tenant, BOB)
    await bought(tenant, ann)
    await platform.suppress(ANN, "complaint")
    await platform.suppress(BOB, "abuse")
    await platform.worker.work_off()
    assert (await verdict(tenant, ann, purpose="transactional"))[0] == "allow"
    assert await verdict(tenant, bob, purpose="transactional") == BARRED


async def test_no_command_and_no_consent_of_a_tenants_ends_it(platform: Platform) -> None:
    tenant = await platform.opened("Acme")
    ann = await contact(tenant, ANN)
    await platform.suppress(ANN)
    await platform.worker.work_off()
    state = await behind(tenant, ANN)
    assert state is not None
    (entry,) = [one.position for one in state.suppressions]
    post, key = tenant.api.post, tenant.tenant.key
    refused = await post(
        f"/v1/audience/{ann}/lift-suppression", key, {"entry": entry, "reason": "We want to."}
    )
    assert refused.json()["type"] == "/problems/only-the-platform-lifts"
    retracted = await post(
        f"/v1/audience/{ann}/retract-entry", key, {"entry": entry, "reason": "We want to."}
    )
    assert retracted.json()["type"] == "/problems/only-the-platform-lifts"
    await post(
        f"/v1/audience/{ann}/record-opt-out", key, {"channel": "reply", "occurred_at": "2026-01-01T00:00:00Z"}
    )
    consent = {
        "occurred_on": "2026-11-20",
        "source": "website_form",
        "wording": "Write to me!",
        "explicit": True,
    }
    assert (await post(f"/v1/audience/{ann}/record-consent", key, consent)).status_code == 200
    assert standing(await behind(tenant, ANN)) == [("complaint", "platform", None)], (
        "their own stop alone ended"
    )
    assert await verdict(tenant, ann) == BARRED
    await tenant.api.project()
    path = f"/v1/audience/consents?addressee_id={ann}&what=suppression"
    (row,) = (await tenant.get(path)).json()["data"]
    assert (row["state"], row["scope"]) == ("standing", "platform")


async def test_after_an_erasure_it_holds_for_who_enters_the_address_anew(platform: Platform) -> None:
    tenant = await platform.opened("Acme")
    await contact(tenant, ANN)
    await platform.suppress(ANN)
    await platform.worker.work_off()
    one = (await tenant.contacts())[ANN]
    gone = await tenant.api.post(f"/v1/audience/{one.contact_id}/erase-contact", tenant.tenant.key)
    assert gone.status_code == 200
    await platform.worker.work_off()
    again = await contact(tenant, ANN)
    held = standing(await behind(tenant, ANN))
    assert sorted(held) == [("complaint", "platform", None), ("unsubscribe", "tenant", None)]
    assert await verdict(tenant, again) == BARRED


async def test_its_end_comes_everywhere_and_ends_nothing_else(platform: Platform) -> None:
    tenant, empty = await platform.opened("Acme"), await platform.opened("Empty")
    ann = await contact(tenant, ANN)
    await tenant.api.post(f"/v1/audience/{ann}/suppress-addressee", tenant.tenant.key, {"kind": "manual"})
    suppression = await platform.suppress(ANN)
    await platform.worker.work_off()
    await platform.release(suppression)
    assert await platform.worker.work_off() == ["suppression.release", "suppression.forget"]
    assert standing(await behind(tenant, ANN)) == [("manual", "tenant", None)]
    assert (await verdict(empty, await contact(empty, ANN)))[0] == "allow"
    later = await platform.opened("Later")
    assert (await verdict(later, await contact(later, ANN)))[0] == "allow"
    await platform.release(suppression)
    assert await platform.worker.work_off() == [], "ended once"
    await platform.suppress(ANN)
    await platform.worker.work_off()
    known = await behind(empty, ANN)
    assert known is not None
    assert await verdict(empty, known.addressee_id) == BARRED


async def test_an_end_that_overtakes_its_beginning_is_the_last_word(platform: Platform) -> None:
    tenant = await platform.opened("Acme")
    ann = await contact(tenant, ANN)
    suppression = UUID(await platform.suppress(ANN))
    await platform.release(str(suppression))
    parts = platform.api.parts
    workflow = Workflow(parts.commands, PLATFORM, uuid4(), Because(uuid4()))
    work = PlatformSuppressions(parts.commands, parts.codec)
    await work.copy(workflow, suppression, lambda: False, release=True)
    await work.copy(workflow, suppression, lambda: False, release=False)
    assert standing(await behind(tenant, ANN)) == []
    assert (await verdict(tenant, ann))[0] == "allow"


@pytest.mark.parametrize("release_first", [True, False])
async def test_a_complaint_that_became_abuse_holds_back_everything(
    platform: Platform, *, release_first: bool
) -> None:
    tenant = await platform.opened("Acme")
    ann = await contact(tenant, ANN)
    complaint = UUID(await platform.suppress(ANN, "complaint"))
    await platform.worker.work_off()
    await platform.release(str(complaint))
    abuse = UUID(await platform.suppress(ANN, "abuse"))
    parts = platform.api.parts
    workflow = Workflow(parts.commands, PLATFORM, uuid4(), Because(uuid4()))
    work = PlatformSuppressions(parts.commands, parts.codec)
    steps = [(complaint, True), (abuse, False)]
    for suppression, release in steps if release_first else reversed(steps):
        await work.copy(workflow, suppression, lambda: False, release=release)
    assert standing(await behind(tenant, ANN)) == [("abuse", "platform", None)]
    assert await verdict(tenant, ann, purpose="transactional") == BARRED


async def test_once_its_end_is_everywhere_nobody_reads_its_address_any_more(platform: Platform) -> None:
    tenant = await platform.opened("Acme")
    ann, parts = await contact(tenant, ANN), platform.api.parts
    suppression = UUID(await platform.suppress(ANN))
    of_address = (PLATFORM, str(suppression), KeyKind.PROFILE)
    workflow = Workflow(parts.commands, PLATFORM, uuid4(), Because(uuid4()))
    await platform.worker.work_off()
    with pytest.raises(SuppressionStillNeeded):
        await workflow.execute(ForgetSuppression(), suppression, key="too-early")
    assert parts.keys.find([of_address])
    await platform.release(str(suppression))
    await platform.worker.work_off()
    assert not parts.keys.find([of_address])
    stream = await parts.log.read_stream(PLATFORM, f"platform_suppression:{suppression}")
    assert [row.name for row in stream] == [
        "platform.address_suppressed",
        "platform.suppression_copied",
        "platform.address_released",
        "platform.release_copied",
        "platform.suppression_forgotten",
    ]
    shown = parts.codec.decode(stream, reveal=True)
    suppressed, released = shown[0], shown[2]
    assert isinstance(suppressed, AddressSuppressed)
    assert isinstance(released, AddressReleased)
    assert {suppressed.email, suppressed.reason, released.reason} == {ERASED}
    assert standing(await behind(tenant, ANN)) == []
    assert (await verdict(tenant, ann))[0] == "allow"
    later = await platform.opened("Later")
    assert (await verdict(later, await contact(later, ANN)))[0] == "allow"
    again = await platform.suppress(ANN)
    assert again != str(suppression)
    await platform.worker.work_off()
    assert await verdict(tenant, ann) == BARRED


async def test_a_copy_that_comes_after_the_end_says_nothing_untrue(platform: Platform) -> None:
    await platform.opened("Acme")
    suppression = UUID(await platform.suppress(ANN))
    await platform.release(str(suppression))
    parts = platform.api.parts
    workflow = Workflow(parts.commands, PLATFORM, uuid4(), Because(uuid4()))
    work = PlatformSuppressions(parts.commands, parts.codec)
    await work.copy(workflow, suppression, lambda: False, release=True)
    assert await platform.worker.work_off() == ["suppression.forget"], "the copy is over too"
    await work.copy(workflow, suppression, lambda: False, release=False)
    state = await parts.commands.state(PLATFORM, "platform_suppression", suppression)
    assert (state.copied, state.release_copied, state.forgotten) == (False, True, True)


async def test_an_address_that_cannot_be_opened_is_not_said_to_stand_anywhere(platform: Platform) -> None:
    await platform.opened("Acme")
    suppression = UUID(await platform.suppress(ANN))
    parts = platform.api.parts
    parts.keys.destroy([(PLATFORM, str(suppression), KeyKind.PROFILE)])
    workflow = Workflow(parts.commands, PLATFORM, uuid4(), Because(uuid4()))
    work = PlatformSuppressions(parts.commands, parts.codec)
    with pytest.raises(AddressLost):
        await work.copy(workflow, suppression, lambda: False, release=False)
    state = await parts.commands.state(PLATFORM, "platform_suppression", suppression)
    assert not state.copied


async def test_a_copy_that_is_stopped_between_two_tenants_goes_on_and_doubles_nothing(
    platform: Platform,
) -> None:
    tenants = [await platform.opened(name) for name in ("One", "Two", "Three")]
    for one in tenants:
        await contact(one, ANN)
    suppression = UUID(await platform.suppress(ANN))
    parts = platform.api.parts
    workflow = Workflow(parts.commands, PLATFORM, uuid4(), Because(uuid4()))
    work, turns = PlatformSuppressions(parts.commands, parts.codec), iter([False, True])
    with pytest.raises(Interrupted):
        await work.copy(workflow, suppression, lambda: next(turns), release=False)
    assert [len(standing(await behind(one, ANN))) for one in tenants] == [1, 0, 0]
    for _ in range(2):
        await work.copy(workflow, suppression, lambda: False, release=False)
    for one in tenants:
        names = [row.name for row in await one.history()]
        assert (names.count("audience.email_barred"), names.count("audience.addressee_suppressed")) == (1, 1)
    state = await parts.commands.state(PLATFORM, "platform_suppression", suppression)
    assert state.copied
    assert await platform.worker.work_off() == [], "the event that says so ends the job"


async def test_the_platforms_log_is_read_once_and_then_from_where_it_was(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenants = [await platform.opened(name) for name in ("One", "Two")]
    first = UUID(await platform.suppress(ANN))
    parts = platform.api.parts
    workflow = Workflow(parts.commands, PLATFORM, uuid4(), Because(uuid4()))
    work = PlatformSuppressions(parts.commands, parts.codec)
    await work.copy(workflow, first, lambda: False, release=False)
    later = await platform.opened("Later")
    second = UUID(await platform.suppress(BOB))
    before, read_log, given = await parts.log.head(PLATFORM), parts.log.read_log, list[int]()

    async def counted(*arguments: Any, **options: Any) -> list[Recorded]:
        rows = await read_log(*arguments, **options)
        given.extend(row.position for row in rows)
        return rows

    assert before is not None
    known = before.position
    monkeypatch.setattr(parts.log, "read_log", counted)
    await work.copy(workflow, second, lambda: False, release=False)
    assert len(given) < known / 2, "what came since alone"
    given.clear()
    await work.take_over(workflow.in_tenant(later.tenant.id))
    assert given == [known + 1], "the event that says that it is copied"
    for one in (*tenants, later):
        for email in (ANN, BOB):
            assert await verdict(one, await contact(one, email)) == BARRED


async def test_a_list_finds_what_the_platform_suppresses(platform: Platform) -> None:
    tenant = await platform.opened("Acme")
    await platform.suppress(ANN)
    await platform.worker.work_off()
    await take_in(tenant, listing((ANN, "bounce"), (hashed(BOB),)))
    assert sorted(standing(await behind(tenant, ANN))) == [
        ("complaint", "platform", None),
        ("hard_bounce", "tenant", None),
    ]


async def test_an_address_is_suppressed_once_and_by_who_may(platform: Platform) -> None:
    suppression = await platform.suppress(ANN)
    body = {"email": "Ann@people.example", "kind": "abuse", "reason": "Again."}
    post = platform.api.post
    again = await post("/v1/platform/new/suppress-at-platform", platform.key, body)
    assert (again.json()["type"], again.json()["suppression_id"]) == (
        "/problems/suppressed-already",
        suppression,
    )
    unknown = await post("/v1/platform/new/suppress-at-platform", platform.key, {**body, "kind": "dislike"})
    assert (unknown.status_code, unknown.json()["errors"][0]["pointer"]) == (422, "/kind")
    missing = await post(f"/v1/platform/{uuid4()}/release-at-platform", platform.key, {"reason": "None."})
    assert missing.status_code == 404
    for role in (StaffRole.SUPPORT, StaffRole.FINANCE):
        _, key = await platform.api.staff(role)
        assert (await post("/v1/platform/new/suppress-at-platform", key, body)).status_code == 403
    tenant = await platform.opened("Acme")
    own = await post("/v1/platform/new/suppress-at-platform", tenant.tenant.key, body)
    assert own.status_code in (403, 422)


async def test_the_platforms_log_tells_nothing_of_what_tenants_have(platform: Platform) -> None:
    has = await platform.opened("Has")
    await platform.opened("Lacks")
    await contact(has, ANN)
    before = len(await platform.api.parts.log.read_log(PLATFORM, limit=1000))
    await platform.suppress(ANN)
    await platform.worker.work_off()
    rows = await platform.api.parts.log.read_log(PLATFORM, after=before, limit=1000)
    assert [row.name for row in rows] == [
        "platform.address_suppressed",
        "platform.address_reserved",
        "platform.suppression_copied",
    ]
    assert not any(str(has.tenant.id).encode() in row.payload + row.metadata for row in rows)
    assert not any(b"ann@" in row.payload + row.metadata for row in rows), "the address is sealed"
