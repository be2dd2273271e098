"""Makes the demo, step by step. Each step has a key of its own: a start that was killed goes on where it was."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final
from uuid import UUID

from api.demo.books import keep_books
from api.demo.paying import subscribe
from api.demo.people import AGENCY, COMPANIES, SOLO, TEAM, contacts_file
from api.ops.bootstrap import FIRST_STAFF, Operator, secrets_folder
from api.ops.registering import open_registered
from application.credentials import new_api_key
from application.importing.service import Upload
from application.orders import KeySpace, Order
from application.principals import Principal
from application.workflow import Because, Workflow
from domain.audience.authorisation import AuthoriseMessage
from domain.audience.consent_commands import OptOutChannel, RecordConsent, RecordOptOut
from domain.audience.contact import ContactCreated, CreateContact, EraseContact, UpdateContact
from domain.audience.contact_list import AddToList, CreateList
from domain.audience.import_commands import StartImport
from domain.audience.intake import Source
from domain.billing.account import StartTrial
from domain.kernel.commands import Actor, ActorKind
from domain.kernel.ids import PLATFORM, ContactId, MemberId, MessageId, WorkspaceId, derived_id
from domain.kernel.permissions import STAFF_ROLES, TENANT_ROLES, Permission, StaffRole, TenantRole
from domain.platform.registration import RegisterTenant
from domain.platform.staff import AddStaff
from domain.rights.commands import ReceiveRequest
from domain.rights.kinds import RequestChannel, RequestKind
from domain.rights.register import ActivityRole, EnterActivity
from domain.tenancy.api_key import CreateApiKey
from domain.tenancy.grant import ApproveGrant, RequestGrant
from domain.tenancy.member import AcceptInvitation, InviteMember
from domain.tenancy.plans import Plan
from domain.tenancy.workspace import CreateWorkspace

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from api.composition import Composition
    from api.demo.people import Company, Person
    from application.orders import Outcome
    from domain.kernel.commands import Command
    from domain.tenancy.secret import SecretCommand

ROWS: Final = 2_000
_ON_THE_LIST: Final = 250
_BY_HAND: Final = (
    ("sara.lindholm@cafe.example.com", "Sara", "Lindholm", "SE", Source.WEBSITE_FORM),
    ("kenji@roastery.example.com", "健二", "田中", "JP", Source.EVENT),
    ("marie-eve@torrefaction.example.org", "Marie-Ève", "Côté", "CA", Source.REFERRAL),
    ("forget.me@cafe.example.com", "Forgotten", "Person", "FR", Source.NEWSLETTER),
)


def key_file(parts: Composition) -> Path:
    """The file of the demo's key."""
    return secrets_folder(parts.settings.root) / "demo-key"


@dataclass(frozen=True, slots=True)
class Place:
    """A tenant of the demo. Ids follow from its slug, so that they are the same at every start."""

    company: Company
    tenant_id: UUID

    @classmethod
    def of(cls, company: Company) -> Place:
        """Where a company is."""
        return cls(company, derived_id(PLATFORM, "demo", company.slug))

    def id_of(self, *what: object) -> UUID:
        """The id of a thing of this tenant."""
        return derived_id(self.tenant_id, *what)

    @property
    def owner(self) -> Principal:
        """The owner, as a member who acts."""
        return self.acting(MemberId(self.id_of("owner")), TenantRole.OWNER)

    def member(self, role: TenantRole) -> Principal:
        """The member of a role."""
        person = next(one for one in self.company.members if one.role is role)
        return self.acting(MemberId(self.id_of("member", person.email)), role)

    def acting(self, member_id: MemberId, role: TenantRole) -> Principal:
        """Somebody of the tenant."""
        return Principal(self.tenant_id, Actor(ActorKind.MEMBER, member_id), TENANT_ROLES[role], None, 0)


class Demo:
    """Makes the demo."""

    def __init__(self, parts: Composition) -> None:
        """Act through `parts`."""
        self._parts = parts
        self._operator = Operator(parts, channel="cli")
        self._agency, self._team, self._solo = (Place.of(one) for one in (AGENCY, TEAM, SOLO))

    async def make(self) -> dict[str, str]:
        """Make all of it; give the ids and the key that the banner shows."""
        for company in COMPANIES:
            await self._open(Place.of(company))
        agency = self._agency
        key = await self._operator.key_in_file(
            key_file(self._parts), agency.tenant_id, CreateApiKey(label="Demo", role=TenantRole.OWNER)
        )
        await self._other_keys()
        await self._import()
        await self._contacts()
        await self._permission()
        await self._books()
        await self._grant()
        await self._plans()
        return {
            "tenant": str(agency.tenant_id),
            "tenant_name": agency.company.name,
            "workspace": str(self._harbour),
            "key": key,
        }

    @property
    def _harbour(self) -> WorkspaceId:
        return WorkspaceId(self._agency.id_of("workspace", AGENCY.workspaces[0]))

    async def _as(self, who: Principal, command: Command, target: UUID, key: str) -> Outcome:
        order = Order(
            principal=who,
            command=command,
            target=target,
            body=key.encode(),
            key=f"demo/{key}",
            key_space=KeySpace.STEPS,
            channel="cli",
        )
        return await self._parts.commands.execute(order)

    async def _secretly(
        self, who: Principal, command: SecretCommand, target: UUID, key: str, secret: str
    ) -> None:
        command.carrying(self._parts.hasher.hmac(who.tenant_id, secret))
        await self._as(who, command, target, key)

    async def _open(self, place: Place) -> None:
        company, tenant_id = place.company, place.tenant_id
        command = RegisterTenant(
            name=company.name,
            tenant_slug=company.slug,
            plan=company.plan,
            country=company.country,
            sends_for=company.sends_for,
            owner_email=company.owner.email,
            owner_name=company.owner.name,
        )
        outcome = await self._operator.execute(PLATFORM, command, tenant_id, key=f"demo/{company.slug}")
        await open_registered(self._parts, outcome, first_key=False)
        for name in company.workspaces:
            made = CreateWorkspace(name=name, country=company.country)
            await self._as(place.owner, made, place.id_of("workspace", name), f"workspace/{name}")
        for person in company.members:
            await self._join(place, person)

    async def _join(self, place: Place, person: Person) -> None:
        member_id = place.id_of("member", person.email)
        # Not random: a start that was killed between the invitation and its acceptance must know it again.
        token = self._parts.hasher.hmac(place.tenant_id, f"demo invitation {member_id}")
        command = InviteMember(email=person.email, full_name=person.name, role=person.role)
        await self._secretly(place.owner, command, member_id, f"invite/{member_id}", token)
        if person.joins:
            accept = AcceptInvitation.model_validate({"token": token})
            await self._operator.execute(place.tenant_id, accept, member_id, key=f"demo/join/{member_id}")

    async def _other_keys(self) -> None:
        for place, label, role in (
            (self._agency, "Reporting", TenantRole.FINANCE_LEADER),
            (self._team, "CRM sync", TenantRole.CAMPAIGN_MANAGER),
        ):
            key_id = place.id_of("key", label)
            # Nobody is shown these: they are there to be looked at, and revoked.
            secret = new_api_key(place.tenant_id, key_id).text
            await self._secretly(
                place.owner, CreateApiKey(label=label, role=role), key_id, f"key/{label}", secret
            )

    async def _import(self) -> None:
        agency, parts = self._agency, self._parts
        who = agency.member(TenantRole.CAMPAIGN_MANAGER)

        async def chunks() -> AsyncIterator[bytes]:
            yield contacts_file(ROWS)

        def template(command: Command, target: UUID, body: bytes) -> Order:
            return Order(
                principal=who,
                command=command,
                target=target,
                body=body,
                key="demo/import",
                key_space=KeySpace.STEPS,
                channel="cli",
            )

        upload = Upload(
            principal=who,
            workspace_id=self._harbour,
            file_name="harbour-coffee-contacts.csv",
            chunks=chunks(),
            limit=parts.settings.max_upload_bytes,
            key="demo/import",
            encoding=None,
            delimiter=None,
            template=template,
        )
        import_id = (await parts.imports.upload(upload)).outcome.target
        started = await self._as(who, StartImport(), import_id, "import/start")
        workflow = Workflow(
            parts.commands, agency.tenant_id, import_id, Because(started.command_id, started.command_id)
        )
        await parts.imports.run(workflow, import_id, lambda: False)

    async def _contacts(self) -> None:
        agency, workspace = self._agency, self._harbour
        who = agency.member(TenantRole.CAMPAIGN_MANAGER)
        officer = agency.member(TenantRole.COMPLIANCE_OFFICER)
        ids = [agency.id_of("contact", email) for email, *_ in _BY_HAND]
        for contact_id, (email, first, last, country, source) in zip(ids, _BY_HAND, strict=True):
            command = CreateContact(
                workspace_id=workspace,
                email=email,
                first_name=first,
                last_name=last,
                country=country,
                source=source,
            )
            await self._as(who, command, contact_id, f"contact/{email}")
        await self._as(
            who, UpdateContact(title="Head roaster", company="Côté Torréfaction"), ids[2], "update"
        )
        addressee = await self._addressee_of(ids[1])
        await self._as(who, RecordOptOut(channel=OptOutChannel.REPLY), addressee, "opt-out")
        await self._as(officer, EraseContact(), ids[3], "erase")
        guests = await self._imported(_ON_THE_LIST)
        list_id = agency.id_of("list", "autumn")
        await self._as(who, CreateList(workspace_id=workspace, name="Autumn roast"), list_id, "list")
        await self._as(
            who, AddToList(contact_ids=[*guests, *map(ContactId, ids[:3])]), list_id, "list/members"
        )

    async def _addressee_of(self, contact_id: UUID) -> UUID:
        (events,) = await self._parts.log.read_streams(self._agency.tenant_id, [(f"contact:{contact_id}", 0)])
        (created,) = self._parts.codec.decode(events[:1])
        if not isinstance(created, ContactCreated):
            raise TypeError("a contact begins with its creation")
        return created.addressee_id

    async def _imported(self, count: int) -> list[ContactId]:
        """The first contacts of the log."""
        rows = await self._parts.log.read_log(self._agency.tenant_id, limit=6 * count)
        names = [row.stream.partition(":")[2] for row in rows if row.name == ContactCreated.name]
        return [ContactId(UUID(name)) for name in names[:count]]

    async def _permission(self) -> None:
        """Sara consented in so many words and may be written to; Marie-Ève asks what is held of her."""
        agency = self._agency
        who = agency.member(TenantRole.CAMPAIGN_MANAGER)
        officer = agency.member(TenantRole.COMPLIANCE_OFFICER)
        sara, kenji = [agency.id_of("contact", email) for email, *_ in _BY_HAND[:2]]
        consent = RecordConsent(
            occurred_on=date(2026, 9, 14),
            source=Source.WEBSITE_FORM,
            wording="Yes, Harbour Coffee may tell me of new roasts by e-mail. I can end this at any time.",
            workspace_id=self._harbour,
        )
        await self._as(who, consent, await self._addressee_of(sara), "consent")
        for name, contact_id in (("sara", sara), ("kenji", kenji)):
            message = AuthoriseMessage(
                workspace_id=self._harbour, message_id=MessageId(agency.id_of("message", name))
            )
            addressee = await self._addressee_of(contact_id)
            await self._as(who, message, addressee, f"authorise/{name}")
        activity = EnterActivity(
            title="Newsletters of Harbour Coffee",
            role=ActivityRole.PROCESSOR,
            controllers=("Harbour Coffee",),
            purposes=("Advertising by e-mail",),
            categories_of_people=("Customers", "Subscribers"),
            categories_of_data=("Name", "E-mail address", "Company", "Consents"),
            kept_for=("Until the consent is withdrawn, and its proof as long as the law asks for it",),
        )
        await self._as(officer, activity, agency.id_of("activity"), "activity")
        request = ReceiveRequest(
            kind=RequestKind.ACCESS, channel=RequestChannel.EMAIL, email=_BY_HAND[2][0], place="CA"
        )
        await self._as(officer, request, agency.id_of("request"), "request")

    async def _books(self) -> None:
        agency = self._agency

        async def act(command: Command, target: UUID, key: str) -> Outcome:
            return await self._as(agency.member(TenantRole.FINANCE_LEADER), command, target, key)

        await keep_books(act, agency.tenant_id, agency.id_of, self._harbour)

    async def _plans(self) -> None:
        """The agency pays for its plan, the team tries one out, the practitioner is on the free one."""
        await self._as(
            self._team.owner, StartTrial(plan=Plan.PROFESSIONAL), self._team.tenant_id, "billing/trial"
        )
        await subscribe(self._parts, self._agency.owner)

    async def _grant(self) -> None:
        """Support asks to look into the agency's contacts; a second person of the platform agrees."""
        agency = self._agency
        support = derived_id(PLATFORM, "demo", "support")
        add = AddStaff(role=StaffRole.SUPPORT, email="support@penguinmails.invalid", full_name="Demo Support")
        await self._operator.execute(PLATFORM, add, support, key="demo/support")
        grant_id = agency.id_of("grant")
        asked = RequestGrant(
            scope=frozenset({Permission.CONTACTS_READ, Permission.HISTORY_READ}),
            ticket="DEMO-1",
            reason="The customer asked us to look at an import with rejected rows.",
            hours=4,
        )
        await self._as(self._staff(support, StaffRole.SUPPORT), asked, grant_id, "grant/ask")
        await self._as(
            self._staff(FIRST_STAFF, StaffRole.SUPER_ADMIN), ApproveGrant(), grant_id, "grant/approve"
        )

    def _staff(self, staff_id: UUID, role: StaffRole) -> Principal:
        actor = Actor(ActorKind.STAFF, staff_id)
        return Principal(self._agency.tenant_id, actor, STAFF_ROLES[role], None, 0, staff=True)
