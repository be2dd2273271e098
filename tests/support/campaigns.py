"""A campaign that lacks nothing in Germany and the United States, and the people around it."""

from typing import Any

from domain.audience.contact_list import CreateList, ListMembersAdded
from domain.campaign.commands import CreateCampaign, WriteContent
from domain.kernel.ids import CampaignId, ContactId, ListId, WorkspaceId
from domain.law.facts import Purpose
from domain.tenancy.tenant import TenantOpened
from domain.tenancy.workspace import CreateWorkspace
from tests.support.given import TENANT, member, uid
from tests.support.unit import World

WORKSPACE, LIST, CAMPAIGN = WorkspaceId(uid(10)), ListId(uid(50)), CampaignId(uid(60))
AUTHOR, SECOND_AUTHOR, MANAGER, OFFICER = (member(n) for n in (70, 71, 72, 73))
BODY = (
    "Hello {{ first_name | default: 'there' }},\n\nthis is an advertisement.\n\n"
    "{{ company.name }}, {{ company.address }}, {{ company.email }}\n"
    "Stop: {{ unsubscribe_url }} or {{ unsubscribe_email }}\n"
)
LINK = '<a href="{{ unsubscribe_url }}">here</a>'
HTML = BODY.replace("\n", "<br>\n").replace("{{ unsubscribe_url }}", LINK)
CONTENT: dict[str, Any] = {
    "subject": "Saws for {{ employer | default: 'your shop' }}",
    "text": BODY,
    "html": HTML,
    "promotion": False,
    "sender_name": "Acme Saws",
    "on_whose_behalf": "Acme Saws GmbH",
    "postal_address": "Sägeweg 1, 10115 Berlin",
    "contact_email": "hello@acme.example",
    "contact_live_days": 90,
    "unsubscribe_email": "stop@acme.example",
    "unsubscribe_languages": ["en", "de"],
    "unsubscribe_live_days": 90,
    "headers_true": True,
    "subject_true": True,
    "subject_related": True,
    "identified_as_advertising": True,
    "first_message": False,
    "unsubscribe_notice": True,
    "unsubscribe_free": True,
    "unsubscribe_same_means": True,
    "unsubscribe_one_step": True,
}


def content(**changes: Any) -> WriteContent:
    """The command that writes it; `changes`: None takes a field out."""
    given = {name: value for name, value in {**CONTENT, **changes}.items() if value is not None}
    return WriteContent.model_validate({"content": given})


def opened(country: str | None = "DE", contacts: int = 2) -> World:
    """A tenant with a workspace and a list of so many people."""
    world = World()
    event = TenantOpened.model_validate(
        {"tenant_id": TENANT, "tenant_name": "Acme", "slug": "acme", "plan": "business", "country": country}
    )
    world.happened("tenant", TENANT, event)
    world.run(CreateWorkspace(name="W"), WORKSPACE)
    world.run(CreateList(workspace_id=WORKSPACE, name="Buyers"), LIST)
    for start in range(0, contacts, 1_000):
        some = [ContactId(uid(10_000 + n)) for n in range(start, min(start + 1_000, contacts))]
        world.happened("list", LIST, ListMembersAdded(list_id=LIST, workspace_id=WORKSPACE, contact_ids=some))
    return world


def create(**changes: Any) -> CreateCampaign:
    """The command that begins it."""
    given = {
        "workspace_id": WORKSPACE,
        "name": "Saws",
        "purpose": Purpose.MARKETING,
        "list_ids": [LIST],
        "countries": ["DE", "US"],
    }
    return CreateCampaign.model_validate({**given, **changes})


def written(contacts: int = 2, country: str | None = "DE", **changes: Any) -> World:
    """A world in which the campaign is written and lacks nothing."""
    world = opened(country, contacts)
    world.run(create(), CAMPAIGN, actor=AUTHOR)
    world.run(content(**changes), CAMPAIGN, actor=AUTHOR)
    return world
