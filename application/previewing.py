"""Audience preview: how many may be mailed, how many not, by law and reason, before anyone asks for permission.

Nobody is decided about: nothing is recorded, and each message is authorised for itself when it goes. People are judged
as the log tells at one position, at one moment, by the rules of today.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from application.comparing import algorithms_of, weighing
from application.ports.positions import Position
from domain.audience.addressee import ADDRESSEE
from domain.audience.addressee_state import Addressee
from domain.audience.hashed import ADDRESS_HASH
from domain.audience.listed import entered
from domain.campaign.approval import MOST_NOT_BULK
from domain.campaign.checking import lacking_at_first
from domain.campaign.content import declared
from domain.campaign.state import NoCampaign
from domain.campaign.tokens import REFERRER
from domain.kernel.commands import DECIDERS, stream_name
from domain.kernel.errors import NotFound
from domain.law.by_law import words_of
from domain.law.facts import Message, Purpose
from domain.law.judging import judge
from domain.law.no_law import about_of
from domain.law.pack import Verdict
from domain.law.packs import load_packs
from domain.tenancy.tenant import SendsFor, Tenant

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from application.ports.codec import EventCodec
    from application.ports.log import TenantLog
    from application.queries import Scope
    from application.unit import Streams
    from domain.audience.hashed import AddressHash
    from domain.audience.listed import Listed
    from domain.campaign.state import Campaign, CampaignState
    from domain.law.facts import Person
    from domain.law.judging import Decision
    from domain.tenancy.tenant import TenantState

_TOGETHER: Final = 500
"""People whose streams are read in one round trip."""
FIRST_MESSAGE: Final = "first-message-lacks"
"""What a reason names where a campaign's author says that all were written to before, and nobody wrote to this one."""
_FIRST_MESSAGE_ABOUT: Final = (
    "The content says that it is not the first message (`first_message`), and from here nothing was ever sent to them: "
    "it lacks what the first one has to hold. Leave that out of the content, and put in what is missing then."
)
OUTSIDE_PLAN: Final = "country-outside-plan"
"""What a reason names where a campaign's plan names countries, and not the person's."""
_OUTSIDE_PLAN_ABOUT: Final = (
    "The campaign's plan names countries, and not theirs: its content was not checked for them, nor approved."
)
_OF_CAMPAIGNS: Final = {OUTSIDE_PLAN: _OUTSIDE_PLAN_ABOUT, FIRST_MESSAGE: _FIRST_MESSAGE_ABOUT}


class People(Protocol):
    """Who is in an audience."""

    def of(
        self, scope: Scope, workspace_id: UUID, list_ids: Sequence[UUID] | None
    ) -> AsyncIterator[tuple[list[UUID], int]]:
        """Addressees of a workspace's contacts, or of those on any of some lists, each once and some at a time.

        With them how many there are in all.

        Raises `ViewNotReady`.
        """


class Audience(NamedTuple):
    """Whom to look at, and what is to be sent to them. `list_ids` None: all contacts of the workspace.

    `countries`: it is meant for people in these alone, and others are held; empty: for people anywhere. `campaign`:
    whose content it is, if it is one's.
    """

    workspace_id: UUID
    list_ids: tuple[UUID, ...] | None
    message: Message
    countries: tuple[str, ...] = ()
    campaign: Campaign | None = None

    def leaves_out(self, person: Person) -> bool:
        """Whether the person is known to be where it is not meant for."""
        return bool(self.countries) and person.country is not None and person.country not in self.countries


class Why(NamedTuple):
    """What led to a verdict: the reason that weighed most. `law` None: a suppression, or a fact that nobody knows."""

    verdict: Verdict
    law: str | None
    rule: str
    missing: tuple[str, ...]


@dataclass(slots=True)
class Preview:
    """How far it is, and what came of it so far. `by_law`: what each law says of those whom it is about.

    `outside_plan`: by country, those whom a campaign's plan leaves out; some may be denied besides. `declared`: what a
    campaign's author alone states of its message. `never_written_to`: those to whom nothing was ever sent from here,
    or by this client.
    """

    position: str
    at: datetime
    people: int = 0
    judged: int = 0
    reasons: Counter[Why] = field(default_factory=Counter)
    by_law: Counter[tuple[str, Verdict]] = field(default_factory=Counter)
    outside_plan: Counter[str] = field(default_factory=Counter)
    never_written_to: int = 0
    declared: Mapping[str, bool | int] = field(default_factory=dict)

    def told(self) -> dict[str, Any]:
        """As an answer shows it: verdicts, and why, the most frequent first."""
        verdicts = Counter[Verdict]()
        for why, number in self.reasons.items():
            verdicts[why.verdict] += number
        laws: dict[str, dict[str, int]] = {}
        for (law, verdict), number in sorted(self.by_law.items()):
            laws.setdefault(law, dict.fromkeys([one.value for one in Verdict], 0))[verdict.value] = number
        return {
            "people": self.judged,
            "verdicts": {one.value: verdicts[one] for one in Verdict},
            "laws": laws,
            "outside_plan": dict(sorted(self.outside_plan.items())),
            "never_written_to": self.never_written_to,
            "declared": dict(self.declared),
            "reasons": [
                {
                    **why._asdict(),
                    "verdict": why.verdict.value,
                    "people": number,
                    "about": _about(why, self.at),
                }
                for why, number in sorted(self.reasons.items(), key=_rank)
            ],
        }


def _rank(counted: tuple[Why, int]) -> tuple[int, str, str]:
    """The most frequent first; those of one number in an order that does not change."""
    why, number = counted
    return -number, why.law or "", why.rule


def _about(why: Why, at: datetime) -> str | None:
    """A reason's words, as they are for everybody then; None for a rule that is gone since."""
    if why.law is None:
        return _OF_CAMPAIGNS.get(why.rule) or about_of(why.rule)
    return next((words_of(pack, why.rule, at) for pack in load_packs() if pack.law == why.law), None)


class _Firsts:
    """Whether a campaign's content lacks what a first message has to hold where somebody is."""

    def __init__(self, wanted: Audience, tenant: TenantState, at: datetime) -> None:
        self._wanted, self._at = wanted, at
        self.sender = tenant.country if isinstance(tenant, Tenant) else None
        clients = isinstance(tenant, Tenant) and tenant.sends_for is SendsFor.CLIENTS
        self._client = str(wanted.workspace_id) if clients else None
        self._known: dict[str | None, bool] = {}

    def is_of(self, person: Person) -> bool:
        """Whether nothing was sent to the person before: from here, or by this client, who is a sender apart."""
        return not any(self._client in (None, one.workspace) for one in person.written)

    def lack(self, country: str | None) -> bool:
        """Of who may be anywhere it lacks what any law wants."""
        if country not in self._known:
            campaign, lacking = self._wanted.campaign, False
            if campaign is not None:
                anywhere = self._wanted.countries or tuple(
                    one for pack in load_packs() for one in pack.countries
                )
                places = {*(anywhere if country is None else (country,)), self.sender} - {None}
                lacking = bool(lacking_at_first(campaign, map(str, places), self._at))
            self._known[country] = lacking
        return self._known[country]


class Previewing:
    """Looks at audiences, one tenant at a time."""

    def __init__(self, log: TenantLog, codec: EventCodec, people: People, streams: Streams) -> None:
        """Read persons from `log`, and who is in an audience from `people`; `streams` know hashes of addresses."""
        self._log = log
        self._codec = codec
        self._people = people
        self._streams = streams

    async def answers(
        self,
        scope: Scope,
        wanted: Audience | UUID,
        at: datetime,
    ) -> AsyncIterator[Preview]:
        """The preview as it grows: the same object each time, whole when there is no more.

        `wanted`: an audience, or the campaign that names one. Raises `NotFound` for a tenant, a campaign or a
        workspace that is not there or not to be seen from here.
        """
        head = await self._log.head(scope.tenant_id)
        if head is None:
            raise NotFound
        tenant = await self._state(scope, "tenant", scope.tenant_id, head.position)
        stated: dict[str, bool | int] = {}
        if not isinstance(wanted, Audience):
            state: CampaignState = await self._state(scope, "campaign", wanted, head.position)
            wanted = _audience_of(state)
            stated = {} if isinstance(state, NoCampaign) else declared(state.content)
        workspace_id, list_ids = wanted.workspace_id, wanted.list_ids
        if scope.workspaces is not None and workspace_id not in scope.workspaces:
            raise NotFound
        await self._state(scope, "workspace", workspace_id, head.position)
        preview = Preview(Position(head.epoch, head.position).token(), at, declared=stated)
        algorithms, firsts = algorithms_of(tenant), _Firsts(wanted, tenant, at)
        async for ids, number in self._people.of(scope, workspace_id, list_ids):
            preview.people = number
            if wanted.message.bulk is False and number > MOST_NOT_BULK:
                wanted = wanted._replace(message=replace(wanted.message, bulk=None))
            for start in range(0, len(ids), _TOGETHER):
                people = ids[start : start + _TOGETHER]
                listed = await self._listed(scope, people, algorithms, preview)
                await self._judged(scope, people, wanted, firsts, preview, listed)
                yield preview
        yield preview

    async def _judged(
        self,
        scope: Scope,
        ids: list[UUID],
        wanted: Audience,
        firsts: _Firsts,
        preview: Preview,
        listed: Mapping[object, list[Listed]],
    ) -> None:
        """Judge some people as the log tells of them at the preview's position; `listed`: by a hash alone."""
        streams = [(f"{ADDRESSEE.category}:{who}", 0) for who in ids]
        last = Position.parse(preview.position).n
        for history in await self._log.read_streams(scope.tenant_id, streams, up_to_position=last):
            state = ADDRESSEE.fold(self._codec.decode(history))
            if not isinstance(state, Addressee):
                continue  # the view is ahead of the position
            found = weighing(state, listed.get(state.addressee_id, ()), wanted.message)
            person = state.person if found is None or state.erased else _listed_as(state, found)
            decision = judge(person, wanted.message, firsts.sender, preview.at, load_packs())
            preview.judged += 1
            preview.never_written_to += firsts.is_of(person)
            lacks = firsts.is_of(person) and firsts.lack(person.country)
            preview.reasons[_why(decision, outside=wanted.leaves_out(person), lacks=lacks)] += 1
            if wanted.leaves_out(person):
                preview.outside_plan[str(person.country)] += 1
            for law, verdict in {(one.law, one.verdict) for one in decision.reasons if one.law is not None}:
                preview.by_law[law, verdict] += 1

    async def _listed(
        self, scope: Scope, ids: list[UUID], algorithms: tuple[str, ...], preview: Preview
    ) -> dict[object, list[Listed]]:
        """What the tenant's list has against these people's addresses by their hashes, at the preview's position."""
        if not algorithms:
            return {}
        keys = await self._streams.addresses.hash_keys(scope.tenant_id, ids, algorithms)
        names = dict.fromkeys(
            stream_name(ADDRESS_HASH.category, key) for some in keys.values() for key in some
        )
        if not names:
            return {}
        last = Position.parse(preview.position).n
        histories = await self._log.read_streams(
            scope.tenant_id, [(name, 0) for name in names], up_to_position=last
        )
        states: dict[str, AddressHash] = {
            name: ADDRESS_HASH.fold(self._codec.decode(history))
            for name, history in zip(names, histories, strict=True)
        }
        return {
            who: [one for key in some for one in states[stream_name(ADDRESS_HASH.category, key)].listed]
            for who, some in keys.items()
        }

    async def _state(self, scope: Scope, category: str, key: UUID, last: int) -> Any:
        """The state of a stream that is there. Raises `NotFound`."""
        decider = DECIDERS[category]
        (history,) = await self._log.read_streams(
            scope.tenant_id, [(stream_name(category, key), 0)], up_to_position=last
        )
        if not history:
            raise NotFound
        return decider.fold(self._codec.decode(history))


def _audience_of(state: CampaignState) -> Audience:
    """The people on a campaign's lists, and what its plan and its content say of the message."""
    if isinstance(state, NoCampaign):
        raise NotFound
    message = Message(
        purpose=Purpose(state.plan.purpose),
        workspace=str(state.workspace_id),
        campaign_type=state.plan.campaign_type,
        similar_goods=state.plan.similar_goods,
        role_relevant=state.plan.role_relevant,
        charitable=state.plan.charitable,
        names_referrer=True if REFERRER in state.shown else None,
        bulk=None if state.content is None else state.content.bulk,
    )
    return Audience(state.workspace_id, state.plan.list_ids, message, state.plan.countries, state)


def _listed_as(state: Addressee, one: Listed) -> Person:
    """The person as a decision would find them: with what the list has against them entered."""
    after = ADDRESSEE.fold(list(entered(state.addressee_id, state, one)), state)
    return after.person if isinstance(after, Addressee) else state.person


def _why(decision: Decision, *, outside: bool, lacks: bool) -> Why:
    """What weighs most: a deny before the plan and what the content lacks, and these before a hold."""
    if outside and decision.verdict is not Verdict.DENY:
        return Why(Verdict.HOLD, None, OUTSIDE_PLAN, ("countries",))
    if lacks and decision.verdict is not Verdict.DENY:
        return Why(Verdict.HOLD, None, FIRST_MESSAGE, ("first_message",))
    reason = decision.reasons[0]
    return Why(reason.verdict, reason.law, reason.rule, reason.missing)
