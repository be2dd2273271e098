"""The registration of a tenant in the platform's log, and the reservation of its slug, for ever.

The tenant's own log is opened from here by a workflow. Ids of the first owner and the first workspace follow from the
tenant's, so that opening it twice opens it once; a closed tenant is entered as closed by another.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Annotated, Final, TypeAlias, assert_never
from uuid import UUID

from pydantic import StringConstraints

from domain.audience.email import EmailText
from domain.kernel.commands import Command, Decider
from domain.kernel.errors import NotFound, Refusal, RefusalKind
from domain.kernel.events import EVENTS, Event, Payload
from domain.kernel.ids import ApiKeyId, MemberId, TenantId, WorkspaceId, derived_id
from domain.kernel.permissions import Permission
from domain.kernel.personal import Profile
from domain.kernel.places import CountryCode
from domain.kernel.text import ShortText
from domain.platform.log_end import (
    LogDeleted,
    LogEndCommand,
    LogEndEvent,
    LogGone,
    LogHeld,
    LogReleased,
    OwnHoldsSettled,
    ended,
)
from domain.tenancy.plans import Plan
from domain.tenancy.secret import SecretCommand
from domain.tenancy.tenant import CommandRate, SendsFor

MAX_SLUG: Final = 100


class TenantRegistered(Event, name="platform.tenant_registered", version=2, subject="owner_id"):
    """A customer signed up. `owner_email` and `owner_name` are those of the first owner; `sends_for`: a `SendsFor`."""

    tenant_id: TenantId
    tenant_name: str
    slug: str
    plan: str
    country: str | None = None
    commands_a_minute: int | None = None
    owner_id: MemberId
    workspace_id: WorkspaceId
    owner_email: Profile[str]
    owner_name: Profile[str]
    sends_for: str = SendsFor.ITSELF


@EVENTS.upcaster("platform.tenant_registered", 1)
def _of_one_sender(payload: Payload) -> Payload:
    return {**payload, "sends_for": "itself"}


class FirstKeyMade(Event, name="platform.first_key_made", version=1):
    """The first owner's API key was shown to who signed them up; it is entered when the tenant's log is opened."""

    tenant_id: TenantId
    api_key_id: ApiKeyId
    secret_hmac: str


class FirstKeyForgotten(Event, name="platform.first_key_forgotten", version=1):
    """The first key's secret is shown no more: the key store destroyed it. The key itself goes on."""

    tenant_id: TenantId


class RegistrationClosed(Event, name="platform.tenant_closed", version=1):
    """A tenant closed its log; its slug stays taken."""

    tenant_id: TenantId


class SlugReserved(Event, name="platform.slug_reserved", version=1):
    """A slug was taken, for ever."""

    tenant_id: TenantId


RegistrationEvent: TypeAlias = (
    TenantRegistered | FirstKeyMade | FirstKeyForgotten | RegistrationClosed | LogEndEvent
)


@dataclass(frozen=True, slots=True)
class NoRegistration:
    """No tenant has this id."""


@dataclass(frozen=True, slots=True)
class Registration:
    """A tenant as the platform knows it."""

    tenant_id: TenantId
    name: str
    slug: str
    plan: Plan
    owner_id: MemberId
    workspace_id: WorkspaceId
    first_key_hmac: str | None = None
    first_key_forgotten: bool = False
    closed: bool = False
    log_holds: frozenset[UUID] = frozenset()
    own_holds_settled: bool = False
    log_deleted: bool = False
    log_gone: bool = False


@dataclass(frozen=True, slots=True)
class Slug:
    """Whose a slug is, if anybody's."""

    tenant_id: TenantId | None = None


RegistrationState: TypeAlias = NoRegistration | Registration


def evolve(state: RegistrationState, event: RegistrationEvent) -> RegistrationState:
    """The registration after `event`."""
    if isinstance(event, TenantRegistered):
        return Registration(
            tenant_id=event.tenant_id,
            name=event.tenant_name,
            slug=event.slug,
            plan=Plan(event.plan),
            owner_id=event.owner_id,
            workspace_id=event.workspace_id,
        )
    if isinstance(state, NoRegistration):
        return state
    match event:
        case FirstKeyMade():
            return replace(state, first_key_hmac=event.secret_hmac)
        case FirstKeyForgotten():
            return replace(state, first_key_forgotten=True)
        case RegistrationClosed():
            return replace(state, closed=True)
        case LogHeld():
            return replace(state, log_holds=state.log_holds | {event.hold_id})
        case LogReleased():
            return replace(state, log_holds=state.log_holds - {event.hold_id})
        case OwnHoldsSettled():
            return replace(state, own_holds_settled=True)
        case LogDeleted():
            return replace(state, log_deleted=True)
        case LogGone():
            return replace(state, log_gone=True)
        case _:
            assert_never(event)


def evolve_slug(_: Slug, event: SlugReserved) -> Slug:
    """The reservation after `event`."""
    return Slug(event.tenant_id)


class TenantIdTaken(Refusal):
    """A tenant's id is used once. Take a new id."""

    code = "tenant-id-taken"


class SlugTaken(Refusal):
    """A slug is one tenant's for ever, also after it closed. Choose another."""

    code = "slug-taken"
    field = "/tenant_slug"


class SlugNeeded(Refusal):
    """A slug has letters a to z or digits, and this name has none to make one of. Give a slug."""

    code = "slug-needed"
    kind = RefusalKind.INVALID
    field = "/tenant_slug"


SlugText = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=MAX_SLUG)]


class RegisterTenant(
    SecretCommand, context="platform", stream="registration", permission=Permission.PLATFORM_TENANTS_REGISTER
):
    """Sign a customer up: a tenant with its first owner, whose first API key the answer shows.

    The key works as soon as the tenant's log is open, a moment later. Send an `Idempotency-Key`: with it, and for a
    day, an answer that was lost is given again with the key in it. Without a slug, one is made of the name. The law of
    its `country` holds for all that it sends. `sends_for`: `itself`, or `clients` in that country, each with a
    workspace and a sender apart, so that what people gave one counts for no other. Nobody changes the two afterwards.
    """

    name: ShortText
    tenant_slug: SlugText | None = None
    plan: Plan = Plan.FREE
    country: CountryCode
    sends_for: SendsFor
    commands_a_minute: CommandRate | None = None
    owner_email: Profile[EmailText]
    owner_name: Profile[ShortText]


class CloseRegistration(
    Command, context="platform", stream="registration", permission=Permission.INTERNAL, internal=True
):
    """Enter that a tenant closed its log."""


class ForgetFirstKey(
    Command, context="platform", stream="registration", permission=Permission.INTERNAL, internal=True
):
    """Say that the first key's secret is gone from the key store."""


def slug_of(name: str) -> str:
    """The slug that a name makes: lower case, anything else a hyphen, at most 100 characters."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:MAX_SLUG].strip("-")
    if not slug:
        raise SlugNeeded
    return slug


def registered(
    command: RegisterTenant, state: RegistrationState, slug: str, holder: Slug
) -> TenantRegistered:
    """The event that signs a customer up under `slug`, whose reservation is `holder`."""
    if isinstance(state, Registration):
        raise TenantIdTaken
    if holder.tenant_id is not None:
        raise SlugTaken
    tenant_id = TenantId(command.stamp.target)
    return TenantRegistered(
        tenant_id=tenant_id,
        tenant_name=command.name,
        slug=slug,
        plan=command.plan,
        country=command.country,
        commands_a_minute=command.commands_a_minute,
        owner_id=MemberId(derived_id(tenant_id, "owner")),
        workspace_id=WorkspaceId(derived_id(tenant_id, "workspace")),
        owner_email=command.owner_email,
        owner_name=command.owner_name,
        sends_for=command.sends_for,
    )


def first_key_id(tenant_id: UUID) -> ApiKeyId:
    """The id of the first owner's first key."""
    return ApiKeyId(derived_id(tenant_id, "first key"))


def first_key(command: RegisterTenant, tenant_id: TenantId) -> FirstKeyMade:
    """The event that keeps the first owner's key until the tenant's log is there for it."""
    return FirstKeyMade(
        tenant_id=tenant_id, api_key_id=first_key_id(tenant_id), secret_hmac=command.secret_hmac
    )


def decide(
    command: CloseRegistration | ForgetFirstKey | LogEndCommand, state: RegistrationState
) -> tuple[Event, ...]:
    """What a command on the registration alone does; signing up reserves the slug too (see the handlers)."""
    if isinstance(state, NoRegistration):
        raise NotFound
    match command:
        case CloseRegistration():
            return () if state.closed else (RegistrationClosed(tenant_id=state.tenant_id),)
        case ForgetFirstKey():
            return () if state.first_key_forgotten else (FirstKeyForgotten(tenant_id=state.tenant_id),)
        case _:
            return ended(command, state)


REGISTRATION: Final[Decider[RegistrationState]] = Decider(
    category="registration", initial=NoRegistration(), evolve=evolve, decide=decide
)
SLUG: Final[Decider[Slug]] = Decider(category="slug", initial=Slug(), evolve=evolve_slug)
