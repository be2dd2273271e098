"""Suppression lists in tests: the door over the API of a test, and the worker's part done on the spot."""

from __future__ import annotations

import csv
import hashlib
import io
from typing import TYPE_CHECKING, Any
from uuid import UUID

from domain.audience.addressee_state import Addressee
from domain.audience.contact_import import Import
from domain.kernel.commands import DECIDERS, stream_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    import httpx

    from tests.support.importing import Importing

HEADER = ("Email", "Reason", "Date", "Campaign type")
CSV = {"content-type": "text/csv"}


def hashed(address: str, algorithm: str = "sha256") -> str:
    """As lists are exchanged: of the address in lower case, in hexadecimal digits."""
    return hashlib.new(algorithm, address.lower().encode(), usedforsecurity=False).hexdigest()


def listing(*rows: Sequence[str], header: Sequence[str] = HEADER) -> bytes:
    """A CSV file; rows that are shorter than the header are filled up."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows([*row, *[""] * (len(header) - len(row))] for row in rows)
    return text.getvalue().encode()


async def upload(importing: Importing, file: bytes, **headers: str) -> httpx.Response:
    """Send a suppression list."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await importing.http.post(
        "/v1/audience/imports",
        params={"workspace_id": str(importing.tenant.workspace_id), "kind": "suppressions"},
        headers={**CSV, "authorization": f"Bearer {importing.tenant.key}", **named},
        content=file,
    )


async def ready(importing: Importing, file: bytes) -> UUID:
    """An import that can be started."""
    answer = await upload(importing, file)
    assert answer.status_code == 201, answer.text
    return UUID(answer.json()["id"])


async def take_in(importing: Importing, file: bytes, mapping: dict[str, Any] | None = None) -> Import:
    """Import a suppression list to its end."""
    return await importing.run(await ready(importing, file), mapping)


async def behind(importing: Importing, email: str) -> Addressee | None:
    """Who is behind an address; None where nobody is."""
    parts, tenant_id = importing.api.parts, importing.tenant.id
    key = parts.commands.streams.pseudonyms(tenant_id, "email_claim", email)[0]
    wanted = [(DECIDERS["email_claim"], stream_name("email_claim", key))]
    ((_, claim),) = await parts.commands.streams.load(tenant_id, wanted, fresh=True)
    who = claim.addressee_id or claim.former
    if who is None:
        return None
    state = await parts.commands.state(tenant_id, "addressee", who)
    assert isinstance(state, Addressee)
    return state


def standing(state: Addressee | None) -> list[tuple[str, str, str | None]]:
    """What stands against an addressee: kind, scope, within."""
    assert state is not None
    return [
        (one.kind.value, one.scope.value, one.within) for one in state.suppressions if one.ended_at is None
    ]
