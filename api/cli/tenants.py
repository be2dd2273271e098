"""`penguinmails tenant` and `penguinmails staff`: what the platform's own people do."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from api.cli.options import Data, StaffKey, settings_of
from api.cli.output import Group, Json, data, words
from domain.kernel.permissions import StaffRole
from domain.tenancy.plans import Plan
from domain.tenancy.tenant import SendsFor

tenant = typer.Typer(cls=Group, help="Customers of this installation.", no_args_is_help=True)
staff = typer.Typer(cls=Group, help="The platform's own people.", no_args_is_help=True)

Idempotency = Annotated[
    str | None,
    typer.Option(
        "--idempotency-key", help="Send again safely: the same key does it once.", show_default=False
    ),
]


@tenant.command("register")
def register(
    name: Annotated[str, typer.Argument(help="The tenant's name.")],
    *,
    owner_email: Annotated[str, typer.Option("--owner-email", help="Address of the first owner.")],
    owner_name: Annotated[str, typer.Option("--owner-name", help="Name of the first owner.")],
    country: Annotated[
        str, typer.Option("--country", help="ISO code of where it sends from, whose law holds for all of it.")
    ],
    sends_for: Annotated[
        SendsFor,
        typer.Option("--sends-for", help="Whose mail it sends; clients are senders apart. Never changed."),
    ],
    slug: Annotated[
        str | None,
        typer.Option("--slug", help="Short name, for ever; else made of the name.", show_default=False),
    ] = None,
    plan: Annotated[Plan, typer.Option("--plan", help="What the tenant may use.")] = Plan.FREE,
    rate: Annotated[
        int | None,
        typer.Option("--rate", min=1, help="Commands a minute, instead of the plan's.", show_default=False),
    ] = None,
    idempotency_key: Idempotency = None,
    key: StaffKey = None,
    data_folder: Data = None,
    json_: Json = False,
) -> None:
    """Register a tenant with its first owner, open its log, and show the owner's first key, once."""
    from api.cli.inside import Inside, working
    from api.ops.bootstrap import FirstKey
    from api.ops.registering import open_registered
    from domain.platform.registration import RegisterTenant

    del json_
    command = RegisterTenant.model_validate(
        {
            "name": name,
            "tenant_slug": slug,
            "plan": plan,
            "country": country,
            "sends_for": sends_for,
            "commands_a_minute": rate,
            "owner_email": owner_email,
            "owner_name": owner_name,
        }
    )

    async def work(inside: Inside) -> None:
        who = await inside.principal(key, staff=True)
        outcome = await inside.execute(who, command, key=idempotency_key)
        opened = await open_registered(inside.parts, outcome, first_key=True)
        told: dict[str, Any] = {
            "tenant": str(opened.tenant_id),
            "slug": opened.slug,
            "workspace": str(opened.workspace_id),
            "owner": str(opened.owner_id),
            "key": opened.key,
        }
        lines = [
            f"tenant     {told['tenant']}",
            f"slug       {told['slug']}",
            f"workspace  {told['workspace']}",
        ]
        data(told, [*lines, *([f"key        {opened.key}"] if opened.key else [])])
        words(
            "The key is shown this once: keep it."
            if opened.key
            else "Registered before under this idempotency key; the owner's first key was shown then."
        )
        FirstKey(inside.parts.settings.root, opened.tenant_id, opened.tenant_id).seen()

    working(settings_of(data_folder), work)


@staff.command("add")
def add(
    email: Annotated[str, typer.Argument(help="Address of the person.")],
    *,
    name: Annotated[str, typer.Option("--name", help="Name of the person.")],
    role: Annotated[StaffRole, typer.Option("--role", help="What they may do.")],
    idempotency_key: Idempotency = None,
    key: StaffKey = None,
    data_folder: Data = None,
    json_: Json = False,
) -> None:
    """Add somebody to the platform's people, with a key of their own, shown once."""
    from api.cli.inside import Inside, working
    from api.ops.bootstrap import FirstKey
    from domain.kernel.ids import PLATFORM, StaffId
    from domain.platform.staff import AddStaff, CreateStaffKey

    del json_
    command = AddStaff.model_validate({"role": role, "email": email, "full_name": name})

    async def work(inside: Inside) -> None:
        who = await inside.principal(key, staff=True)
        outcome = await inside.execute(who, command, key=idempotency_key)
        staff_id = outcome.target
        secret = None
        first = FirstKey(inside.parts.settings.root, PLATFORM, staff_id)
        unseen = await first.unseen(inside.parts)
        if unseen is not None:
            who = await inside.principal(key, staff=True)  # adding somebody changed the access epoch
            secret = unseen.text
            made = CreateStaffKey(staff_id=StaffId(staff_id), label="First key")
            made.carrying(inside.parts.hasher.hmac(PLATFORM, secret))
            await inside.execute(who, made, unseen.key_id, key=f"key/{unseen.key_id}")
        data(
            {"staff": str(staff_id), "role": role.value, "key": secret},
            [f"staff  {staff_id}", *([f"key    {secret}"] if secret else [])],
        )
        words("The key is shown this once: keep it." if secret else "Added before under this key.")
        first.seen()

    working(settings_of(data_folder), work)
