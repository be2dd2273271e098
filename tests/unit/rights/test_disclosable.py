"""With whom somebody dealt, in what stays shut of them: it is named nowhere, however deep it stands."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

import api.composition  # noqa: F401 - it completes the registries
from application.disclosable import (
    INNER,
    NOT_TOLD,
    WITH_WHOM,
    with_names,
    without_ids,
    without_names,
    workspaces_in,
)
from domain.audience.addressee_state import Addressee, Said
from domain.audience.authorisation import authorised
from domain.audience.consent_events import OptOutToldLate
from domain.kernel.events import EVENTS
from domain.kernel.ids import AddresseeId, MessageId, WorkspaceId
from domain.law.facts import Message, Scope, Suppression, SuppressionKind
from tests.support.given import NOW, uid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domain.kernel.events import Event

ID, CLIENT = AddresseeId(uid(1)), WorkspaceId(UUID("0190aaaa-0000-7000-8000-00000000abcd"))
NAMED = {str(CLIENT): "Harbour Clinic"}
THEN = datetime(2026, 1, 1, tzinfo=UTC)
TELLING = ("workspace", "within", "campaign", "client", "charit", "controller")
"""What the name of a field has in it that tells with whom."""


def decided(campaign_type: str | None) -> Event:
    """Whether a message of the client may go to somebody who stopped one kind of its campaigns."""
    stop = Suppression(SuppressionKind.UNSUBSCRIBE, Scope.CAMPAIGN_TYPE, THEN, 1, "clinic-offers")
    state = Addressee(ID)._replace(said={None: Said("US", "corporate")}, suppressions=(stop,))
    message = Message(workspace=str(CLIENT), campaign_type=campaign_type, charitable=True)
    return authorised(state, MessageId(uid(2)), CLIENT, message, "US", NOW)


def told_late(scope: Scope, within: str) -> Event:
    return OptOutToldLate(addressee_id=ID, scope=scope, within=within, occurred_at=THEN, channel="import")


EVENTS_OF_A_CLIENT = [
    decided("clinic-offers"),
    decided(None),
    told_late(Scope.WORKSPACE, str(CLIENT)),
    told_late(Scope.CAMPAIGN_TYPE, "clinic-offers"),
]


@pytest.mark.parametrize("event", EVENTS_OF_A_CLIENT)
def test_what_stays_shut_names_no_client_and_no_kind_of_its_campaigns(event: Event) -> None:
    values = event.model_dump(mode="json")
    shut = without_names(without_ids(event.name, values))
    assert "clinic-offers" in str(values) or str(CLIENT) in str(values)
    assert not [one for one in (str(CLIENT), "clinic-offers") if one in str(shut)]
    assert NOT_TOLD in str(shut)


@pytest.mark.parametrize("event", EVENTS_OF_A_CLIENT)
def test_what_is_open_names_the_client_and_not_its_id(event: Event) -> None:
    values = event.model_dump(mode="json")
    assert set(workspaces_in(values)) <= NAMED.keys()
    told = with_names(without_ids(event.name, values), NAMED)
    assert str(CLIENT) not in str(told)
    assert "Harbour Clinic" in str(told) or "clinic-offers" in str(told)


def fields(schema: dict[str, Any], parts: dict[str, Any]) -> Iterator[str]:
    """The names of all fields of an event, at any depth."""
    if "$ref" in schema:
        schema = parts[schema["$ref"].rpartition("/")[2]]
    for name, one in schema.get("properties", {}).items():
        yield name
        yield from fields(one, parts)
    inner = [schema.get("items"), schema.get("additionalProperties"), *schema.get("prefixItems", ())]
    for one in [*inner, *schema.get("anyOf", ())]:
        if isinstance(one, dict):
            yield from fields(one, parts)


def test_whatever_an_event_of_a_person_may_name_stays_shut_with_them() -> None:
    """A field that comes to be later is found by its name: `TELLING`."""
    found: set[str] = set()
    for event in EVENTS.classes.values():
        if event.subject in ("addressee_id", "request_id"):
            schema = event.model_json_schema()
            sealed = set(event.personal)
            open_ones = {
                **schema,
                "properties": {name: one for name, one in schema["properties"].items() if name not in sealed},
            }
            found |= set(fields(open_ones, schema.get("$defs", {})))
    telling = {name for name in found if any(one in name for one in TELLING)}
    assert {"workspace", "workspace_id", "within", "campaign_type"} <= telling
    # That a consent ended stops for some client names none.
    assert telling - {"ends_for_client"} <= WITH_WHOM | INNER
