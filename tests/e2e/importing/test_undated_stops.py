"""Files and lists that do not say since when somebody is unsubscribed, and come again and again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from domain.audience.contact_import import Tally
from domain.audience.import_events import ImportChunkApplied
from domain.tenancy.tenant import SendsFor
from domain.tenancy.workspace import CreateWorkspace
from tests.support.importing import Importing, behind, content
from tests.support.suppressions import listing, take_in

if TYPE_CHECKING:
    from tests.support.api import Api
    from tests.support.database import Database

BACK = "back@people.example"
HEADER = ("Email", "Country", "Unsubscribed")
FILE = content((BACK, "US", "yes"), header=HEADER)


async def taken(importing: Importing) -> Tally:
    """The file comes, as it does every week."""
    return (await importing.run(await importing.ready(FILE))).tally


async def warned(importing: Importing) -> int:
    """Of how many rows, so far, it was said that their people may have stopped once more."""
    told = importing.api.parts.codec.decode(await importing.history())
    return sum(
        one.warnings.get("asked-since-listed", 0) for one in told if isinstance(one, ImportChunkApplied)
    )


async def asks(importing: Importing, client: UUID | None = None) -> None:
    """The person asks for mail, now."""
    who = (await behind(importing, BACK)).addressee_id
    body = {
        "occurred_at": importing.api.parts.commands.clock().isoformat(),
        "source": "event",
        "explicit": True,
        "wording": "Write to me again",
    }
    told = body if client is None else {**body, "workspace_id": str(client)}
    answer = await importing.api.post(f"/v1/audience/{who}/record-consent", importing.tenant.key, told)
    assert answer.status_code == 200, answer.text


async def verdict(importing: Importing, client: UUID) -> str:
    who = (await behind(importing, BACK)).addressee_id
    body = {"message_id": str(uuid4()), "workspace_id": str(client), "campaign_type": "news", "bulk": True}
    answer = await importing.api.post(f"/v1/audience/{who}/authorise-message", importing.tenant.key, body)
    assert answer.status_code == 200, answer.text
    told: str = answer.json()["result"]["verdict"]
    return told


async def test_a_client_s_weekly_file_stops_nobody_anew_for_another_client(
    api: Api, database: Database
) -> None:
    tenant = await api.tenant(country="US", sends_for=SendsFor.CLIENTS)
    mine = UUID(str(tenant.workspace_id))
    other = UUID(str((await api.act(tenant.id, CreateWorkspace(name="Other", country="US"), uuid4())).target))
    importing = Importing(api, api.http, replace(tenant, workspace_id=other), database)
    assert await taken(importing) == Tally(imported=1)
    assert [await verdict(importing, one) for one in (mine, other)] == ["deny", "deny"]
    for _ in range(2):
        await asks(importing, mine)
        assert await taken(importing) == Tally(skipped=1)
        assert [await verdict(importing, one) for one in (mine, other)] == ["allow", "deny"]
    await asks(importing, other)
    assert await taken(importing) == Tally(skipped=1), "nobody can tell whether they stopped since"
    assert [await verdict(importing, one) for one in (mine, other)] == ["allow", "allow"]


async def test_whoever_asked_since_a_list_or_a_file_named_them_is_written_to(importing: Importing) -> None:
    workspace = UUID(str(importing.tenant.workspace_id))
    await taken(importing)
    assert await taken(importing) == Tally(skipped=1)
    await asks(importing)
    assert await taken(importing) == Tally(skipped=1)
    assert await warned(importing) == 1
    assert await verdict(importing, workspace) == "allow"
    for tally, told in ((Tally(imported=1), "deny"), (Tally(skipped=1), "deny")):
        assert (await take_in(importing, listing((BACK, "unsubscribe")))).tally == tally
        assert await verdict(importing, workspace) == told, "of a list that names them for the first time"
    await asks(importing)
    again = await take_in(importing, listing((BACK, "unsubscribe")))
    assert again.tally == Tally(skipped=1)
    assert await warned(importing) == 2
    assert await verdict(importing, workspace) == "allow"
