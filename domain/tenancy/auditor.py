"""An outside auditor: somebody without an account, who reads what they were let in for, for a while.

They get a key of their own. It opens the logs that are named, of the period that is named, and nothing else; each time
they read is an entry of the access log, as anybody's. It ends by itself, or when it is ended.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from domain.audit.origins import LogKind
from domain.kernel.errors import Refusal, RefusalKind
from domain.kernel.events import EVENTS, Event
from domain.kernel.ids import ApiKeyId
from domain.kernel.moments import Moment
from domain.kernel.permissions import Permission
from domain.kernel.personal import Profile
from domain.kernel.text import LineText, ShortText
from domain.tenancy.secret import SecretCommand

if TYPE_CHECKING:
    from collections.abc import Sequence

ROLE: Final = "auditor"
LONGEST: Final = timedelta(days=92)
"""How long an auditor is let in at once: a quarter. Who needs longer is let in again."""


_NOTHING: Final = "nothing"
"""No event has this name: each has its context in it."""
OPENED: Final = {
    LogKind.EVENTS: Permission.AUDIT_EVENTS,
    LogKind.ACCESS: Permission.AUDIT_ACCESS,
}
"""What a key holds for each log."""
NEEDED: Final = {
    LogKind.EVENTS: Permission.HISTORY_READ,
    LogKind.ACCESS: Permission.ACCESS_READ,
}
"""What who lets somebody read a log may do themselves."""


Context = Annotated[str, Field(pattern="^[a-z_]{1,40}$")]
"""What a stored name begins with."""


class AuditScope(BaseModel):
    """What an auditor reads: logs, from one moment to before another; of events those of some contexts, or all.

    `shows_personal`: in the clear too what is sealed under profile keys; `shows_evidence`: under evidence keys.
    """

    model_config = ConfigDict(frozen=True)

    logs: tuple[LogKind, ...]
    seen_from: datetime
    seen_until: datetime
    contexts: tuple[str, ...] | None
    shows_personal: bool
    shows_evidence: bool

    @property
    def permissions(self) -> frozenset[Permission]:
        """What the key holds."""
        return frozenset(OPENED[log] for log in self.logs)

    def names(self, asked: Sequence[str]) -> list[str]:
        """Event names to look for, of those that are asked for and those that are open; `-name` leaves one out.

        Of none at all where what is asked for is not open: no name would mean every one.
        """
        if self.contexts is None:
            return list(asked)
        wanted = {name for name in asked if not name.startswith("-")}
        opened = {name for name in EVENTS.classes if name.partition(".")[0] in self.contexts}
        looked_for = opened & wanted if wanted else opened
        return [*(sorted(looked_for) or [_NOTHING]), *(name for name in asked if name.startswith("-"))]


class AuditorAdmitted(
    Event, name="tenancy.auditor_admitted", version=1, subject="api_key_id", changes_access=True
):
    """An outside auditor was let in, with a key. `auditor`: who they are, and for which firm."""

    api_key_id: ApiKeyId
    label: str
    auditor: Profile[str]
    logs: list[str]
    seen_from: datetime
    seen_until: datetime
    contexts: list[str] | None
    shows_personal: bool
    shows_evidence: bool
    expires_at: datetime
    secret_hmac: str

    def scope(self) -> AuditScope:
        """What they read."""
        known = {log.value for log in LogKind}
        return AuditScope(
            logs=tuple(LogKind(log) for log in self.logs if log in known),
            seen_from=self.seen_from,
            seen_until=self.seen_until,
            contexts=None if self.contexts is None else tuple(self.contexts),
            shows_personal=self.shows_personal,
            shows_evidence=self.shows_evidence,
        )


class AuditPeriodBackwards(Refusal):
    """An audit is of a period that ends after it begins. Give a later `seen_until`."""

    code = "audit-period-backwards"
    kind = RefusalKind.INVALID
    field = "/seen_until"


class AuditorStaysTooLong(Refusal):
    """An auditor is let in for a quarter at most. Give an earlier `expires_at`; let them in again when it is over."""

    code = "auditor-stays-too-long"
    kind = RefusalKind.INVALID
    field = "/expires_at"


class NoSuchContext(Refusal):
    """What is audited are contexts of events that there are. See `known`."""

    code = "audit-context-unknown"
    kind = RefusalKind.INVALID
    field = "/contexts"


class NotAnAuditor(Refusal):
    """This key is no auditor's. Revoke it as what it is, with `revoke-api-key`."""

    code = "not-an-auditor"


class AdmitAuditor(SecretCommand, context="tenancy", stream="api_key", permission=Permission.AUDITORS_ADMIT):
    """Let an outside auditor in, until `expires_at`; the answer shows their key, once.

    They read what was recorded from `seen_from` to before `seen_until`. Events: of all contexts, unless some are named.
    """

    label: ShortText
    auditor: Profile[LineText]
    logs: Annotated[frozenset[LogKind], Field(min_length=1)]
    seen_from: Moment
    seen_until: Moment
    contexts: Annotated[frozenset[Context], Field(min_length=1, max_length=50)] | None = None
    shows_personal: bool = False
    shows_evidence: bool = False
    expires_at: Moment


def gives(command: AdmitAuditor) -> frozenset[Permission]:
    """What who lets them in must be allowed to read themselves."""
    needed = {NEEDED[log] for log in command.logs}
    if command.shows_personal:
        needed.add(Permission.HISTORY_READ_PERSONAL)
    if command.shows_evidence:
        needed.add(Permission.EVIDENCE_READ)
    return frozenset(needed)


def admitted(command: AdmitAuditor) -> AuditorAdmitted:
    """The event that lets an auditor in."""
    if command.seen_until <= command.seen_from:
        raise AuditPeriodBackwards
    if command.expires_at - command.stamp.at > LONGEST:
        raise AuditorStaysTooLong
    known = {name.partition(".")[0] for name in EVENTS.classes}
    if command.contexts is not None and not command.contexts <= known:
        raise NoSuchContext(known=sorted(known))
    return AuditorAdmitted(
        api_key_id=ApiKeyId(command.stamp.target),
        label=command.label,
        auditor=command.auditor,
        logs=sorted(command.logs),
        seen_from=command.seen_from,
        seen_until=command.seen_until,
        contexts=None if command.contexts is None else sorted(command.contexts),
        shows_personal=command.shows_personal,
        shows_evidence=command.shows_evidence,
        expires_at=command.expires_at,
        secret_hmac=command.secret_hmac,
    )
