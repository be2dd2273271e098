"""A letter that is owed for an event: sent to each who may have it, entered, and settled; once.

Mail is handed over at least once: a kill between the mail server's yes and the event repeats one letter, under the same
Message-ID. A server that takes nothing is asked again, at first soon and then every hour, as long as the letter is
worth sending; that is no attempt of the job's, whose run keeps the trouble meanwhile.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import orjson

from application.delivering.people import address_of
from application.importing.service import Interrupted
from application.noticing.owed import Owing
from application.noticing.wording import Line, language_of, words_of
from application.ports.delivering import (
    Letter,
    MailDeferred,
    MailNotSetUp,
    MailRefused,
    MailUnavailable,
)
from application.workflow import NotYet
from domain.billing.notices import (
    ABOUT_USAGE,
    TRIED_FOR,
    EnterNoticeMailed,
    NotSentReason,
    SettleNotice,
    WithheldNotice,
    kind_of,
)
from domain.kernel.ids import MemberId, derived_id
from domain.kernel.permissions import TENANT_ROLES, Permission
from domain.kernel.personal import is_hidden
from domain.tenancy.member import Member
from domain.tenancy.tenant import Tenant, TenantStatus

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from application.commanding import Commands
    from application.noticing.wording import Told, Words
    from application.ports.codec import EventCodec
    from application.ports.delivering import MailServer
    from application.ports.log import Recorded
    from application.ports.noticing import BillingPeople
    from application.workflow import Workflow
    from domain.billing.notices import Notice, NoticePreferences
    from domain.tenancy.ownership import Ownership

_SOONEST: Final = timedelta(minutes=1)
_LATEST: Final = timedelta(hours=1)


class Notices:
    """Sends what is owed."""

    def __init__(
        self,
        commands: Commands,
        codec: EventCodec,
        people: BillingPeople,
        mail: MailServer,
        portal: str | None,
    ) -> None:
        """Write by `mail` to `people`. `portal`: where they reach this installation; None: no link is in a letter."""
        self._commands = commands
        self._codec = codec
        self._people = people
        self._mail = mail
        self._portal = portal

    async def run(
        self,
        workflow: Workflow,
        notice_id: UUID,
        event: Recorded,
        stopping: Callable[[], bool],
        *,
        last: bool,
    ) -> None:
        """Send what is owed for an event. `last`: it is not tried again, so what goes wrong settles it.

        Raises `NotYet`, `Interrupted`, or what went wrong.
        """
        notice: Notice = await self._commands.state(workflow.tenant_id, "billing_notice", notice_id)
        if notice.settled:
            return
        try:
            command = await self._sent(workflow, notice_id, event, stopping)
        except (NotYet, Interrupted):
            raise
        except Exception:
            # Whatever it is, the job tells it and tries again; at the last try it would leave the letter owed for ever.
            if not last:
                raise
            command = SettleNotice(reason=NotSentReason.ERROR)
        await workflow.execute(command, notice_id, key=f"notice/{notice_id}/settled")

    async def _sent(
        self, workflow: Workflow, notice_id: UUID, event: Recorded, stopping: Callable[[], bool]
    ) -> SettleNotice:
        """How it is settled, once whoever is to have it does, or cannot be reached."""
        tenant_id = workflow.tenant_id
        (decoded,) = self._codec.decode([event])
        kind = kind_of(event.name, decoded.model_dump())
        tenant = await self._commands.state(tenant_id, "tenant", tenant_id)
        if kind is None or not isinstance(tenant, Tenant) or tenant.status is TenantStatus.CLOSED:
            return SettleNotice(reason=NotSentReason.CLOSED)
        preferred: NoticePreferences = await self._commands.state(tenant_id, "notice_preferences", tenant_id)
        if kind in ABOUT_USAGE and not preferred.usage:
            return SettleNotice(reason=NotSentReason.TURNED_OFF)
        age, worth = self._commands.clock() - event.recorded_at, TRIED_FOR[kind]
        if age > worth + _LATEST:
            return SettleNotice(reason=NotSentReason.TOO_LATE)
        told = await Owing(self._commands, tenant).told(decoded, event.recorded_at)
        if told is None:
            return SettleNotice(reason=NotSentReason.NO_LONGER_SO)
        words = words_of(language_of(preferred.language, tenant.country))
        letter = self._letter(words, told, tenant.name, _known_by(event))
        people = await self._entitled(tenant_id)
        if not people:
            return SettleNotice(reason=NotSentReason.NOBODY)
        settled = await self._to_each(workflow, notice_id, people, letter, stopping)
        if settled.trouble is not None and age < worth:
            raise NotYet(min(max(age, _SOONEST), _LATEST, worth - age), settled.trouble)
        return settled

    async def _to_each(
        self,
        workflow: Workflow,
        notice_id: UUID,
        people: dict[MemberId, str],
        letter: Callable[[MemberId, str], Letter],
        stopping: Callable[[], bool],
    ) -> SettleNotice:
        """Hand it over for each who does not have it yet, and enter that; what came of it."""
        notice: Notice = await self._commands.state(workflow.tenant_id, "billing_notice", notice_id)
        waiting = [one for one in people if one not in notice.mailed]
        withheld, mailed, trouble = list[WithheldNotice](), len(notice.mailed), None
        for number, member_id in enumerate(waiting):
            if stopping():
                raise Interrupted
            try:
                await self._mail.send(letter(member_id, people[member_id]))
            except MailRefused:
                withheld.append(WithheldNotice(member_id=member_id, reason="refused"))
            except MailDeferred as deferred:
                trouble = deferred.trouble.value
                withheld.append(WithheldNotice(member_id=member_id, reason=NotSentReason.MAIL))
            except (MailUnavailable, MailNotSetUp) as away:  # for one as for all others
                reason = NotSentReason.NO_MAIL if isinstance(away, MailNotSetUp) else NotSentReason.MAIL
                trouble = reason.value if isinstance(away, MailNotSetUp) else away.trouble.value
                withheld += [WithheldNotice(member_id=one, reason=reason) for one in waiting[number:]]
                break
            else:
                mailed += 1
                entered = EnterNoticeMailed(member_id=member_id)
                await workflow.execute(entered, notice_id, key=f"notice/{notice_id}/mailed/{member_id}")
        missing = trouble == NotSentReason.NO_MAIL
        nobody = NotSentReason.NO_MAIL if missing else NotSentReason.MAIL
        return SettleNotice(reason=None if mailed else nobody, trouble=trouble, withheld=tuple(withheld))

    async def _entitled(self, tenant_id: UUID) -> dict[MemberId, str]:
        """Addresses, as they are now, of those who may have it now, as the log tells: the owners first."""
        owners: Ownership = await self._commands.state(tenant_id, "ownership", tenant_id)
        found = dict[MemberId, str]()
        for member_id in dict.fromkeys((*owners.owners, *await self._people.of(tenant_id))):
            member = await self._commands.state(tenant_id, "member", member_id)
            if isinstance(member, Member) and Permission.BILLING_READ in TENANT_ROLES[member.role]:
                address = await address_of(self._commands, tenant_id, member_id)
                if not is_hidden(address):
                    found[member_id] = address
        return found

    def _letter(
        self, words: Words, told: Told, tenant: str, known_by: UUID
    ) -> Callable[[MemberId, str], Letter]:
        """The letter to each; a line of its own for what the reader has to know besides."""
        after = [Line("why", {"tenant": tenant})]
        if told.kind in ABOUT_USAGE:
            after.append(Line("turn_off"))
        if self._portal is not None:
            after.insert(0, Line("portal", {"portal": self._portal}))
        subject = words.subject(replace(told, subject={**told.subject, "tenant": tenant}))
        text = words.text(told.lines) + "\n" + words.text(after)

        def to(member_id: MemberId, address: str) -> Letter:
            known = derived_id(known_by, "notice", member_id)
            return Letter(address, subject, text, known, kind=f"billing.{told.kind.value}")

        return to


def _known_by(event: Recorded) -> UUID:
    """What receivers know a letter by: not its position alone, which after a restore is another event's."""
    command = str(orjson.loads(event.metadata)["command"])
    return derived_id(event.tenant_id, event.position, command)
