"""`penguinmails key`: API keys of a tenant."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import typer

from api.cli.options import Data, Key, settings_of
from api.cli.output import Group, Json, data, listed, words
from api.cli.tenants import Idempotency
from domain.kernel.permissions import Permission, TenantRole

app = typer.Typer(cls=Group, help="API keys of a tenant; act with one of its keys.", no_args_is_help=True)


@app.command("create")
def create(
    label: Annotated[str, typer.Argument(help="What the key is for.")],
    *,
    role: Annotated[
        TenantRole, typer.Option("--role", help="What it may do; never more than the key you act with.")
    ],
    permission: Annotated[
        list[Permission] | None,
        typer.Option("--permission", help="Only these of the role's; may be repeated."),
    ] = None,
    workspace: Annotated[
        list[UUID] | None, typer.Option("--workspace", help="Only in these workspaces; may be repeated.")
    ] = None,
    expires: Annotated[
        datetime | None, typer.Option("--expires", help="Until when it works (UTC).", show_default=False)
    ] = None,
    key: Key = None,
    data_folder: Data = None,
    json_: Json = False,
) -> None:
    """Make a key; it is shown once."""
    from datetime import UTC

    from api.cli.inside import Inside, position_of, working
    from application.credentials import new_api_key
    from domain.tenancy.api_key import CreateApiKey

    del json_
    command = CreateApiKey.model_validate(
        {
            "label": label,
            "role": role,
            "permissions": permission or None,
            "workspaces": workspace or None,
            "expires_at": None if expires is None else expires.replace(tzinfo=UTC),
        }
    )

    async def work(inside: Inside) -> None:
        outcome, secret = await inside.with_secret(await inside.principal(key), command, new_api_key)
        data(
            {
                "id": str(outcome.target),
                "label": label,
                "role": role.value,
                "key": secret,
                "position": position_of(outcome),
            },
            [f"id   {outcome.target}", f"key  {secret}"],
        )
        words("The key is shown this once: keep it.")

    working(settings_of(data_folder), work)


@app.command("revoke")
def revoke(
    key_id: Annotated[UUID, typer.Argument(help="Id of the key; `penguinmails key list` shows it.")],
    *,
    idempotency_key: Idempotency = None,
    key: Key = None,
    data_folder: Data = None,
    json_: Json = False,
) -> None:
    """Stop a key at once, for good."""
    from api.cli.inside import Inside, position_of, working
    from domain.tenancy.api_key import RevokeApiKey

    del json_

    async def work(inside: Inside) -> None:
        who = await inside.principal(key)
        outcome = await inside.execute(who, RevokeApiKey(), key_id, key=idempotency_key)
        said = "revoked" if outcome.events else "was revoked before"
        told = {"id": str(key_id), "state": said, "position": position_of(outcome)}
        data(told, [f"{key_id} {said}"])

    working(settings_of(data_folder), work)


@app.command("list")
def list_keys(*, key: Key = None, data_folder: Data = None, json_: Json = False) -> None:
    """Show the tenant's keys, without their secrets."""
    from api.cli.inside import Inside, working

    del json_

    async def work(inside: Inside) -> None:
        who = await inside.principal(key)
        found, position = await inside.every("tenancy.api_keys", who)
        columns = ("api_key_id", "label", "role", "live", "created_at", "expires_at")
        listed(found, columns, position=position)

    working(settings_of(data_folder), work)
