"""What a history tells of the people who are written to: what they said, what was decided, how they left."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from domain.billing.notices import notice_of
from tests.support.projecting import fresh

LATER = datetime.now(UTC) + timedelta(days=7)


class OfPeople:
    """The ids that a history is about, and the events of its people's ledgers and requests."""

    def __init__(self) -> None:
        self.tenant, self.workspace, self.second = fresh(), fresh(), fresh()
        self.anna, self.bob, self.carl = fresh(), fresh(), fresh()
        self.subjects = [fresh() for _ in range(3)]
        self.lapsed, self.lasting = fresh(), fresh()
        self.list, self.imported, self.grant, self.key, self.dead_key = (fresh() for _ in range(5))
        self.owner, self.invited, self.left = fresh(), fresh(), fresh()
        self.staff, self.ex_staff = fresh(), fresh()
        self.endpoint, self.message, self.campaign = fresh(), fresh(), fresh()
        self.request, self.activity = fresh(), fresh()
        self.cost, self.target, self.rate = fresh(), fresh(), fresh()
        self.query = fresh()
        self.schedule, self.pack, self.plan = fresh(), fresh(), fresh()
        self.posting = fresh()
        self.deliveries = [fresh() for _ in range(5)]
        self.notice = notice_of(self.tenant, 1)

    def _of_anna(self, what: str, **fields: Any) -> tuple[str, str, dict[str, Any]]:
        anna = self.subjects[0]
        return f"addressee:{anna}", f"audience.{what}", {"addressee_id": anna, **fields}

    def _consents(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Entries 1 to 11 of the first addressee."""
        told, on, at = self._of_anna, {"occurred_on": "2026-01-05"}, {"occurred_at": "2026-02-01T10:00:00Z"}
        yield told(
            "consent_recorded", **on, source="event", recorded_by="api", wording="yes", documented=True
        )
        yield told("confirmation_requested", **at, source="website_form", documented=False)
        yield told("consent_confirmed", **at, request=2, ip="192.0.2.7")
        yield told("consent_withdrawn", **at, entry=None, channel="page")
        yield told("opted_out", **at, channel="page", reason="too many")
        yield told("opt_out_lifted", consented_on="2026-02-03")
        yield told("relation_recorded", kind="contract", **on, note="a note")
        yield told("relation_ended", entry=7, ended_on="2026-03-01")
        yield told("entry_retracted", entry=1, reason="a mistake")
        suppressed = {"kind": "manual", "scope": "workspace", "within": str(self.workspace)}
        yield told("addressee_suppressed", **suppressed, **at)
        yield told("suppression_lifted", entry=10, **at, reason="back")
        listed: dict[str, Any] = {"algorithm": "sha256", "kind": "complaint", "dated": True}
        for number, since in enumerate(("2026-02-01T10:00:00Z", "2026-03-01T10:00:00Z")):
            of = {"workspace_id": str(self.workspace)} if number else {}
            entry = {**listed, **of, "since": since, "first": number == 0}
            yield "address_hash:ab", "audience.address_hash_listed", entry

    def _erasures(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Carl's certificate, with a hold that came and went; and a hold on Bob's proof, who is erased under it."""
        carl, bob = self.subjects[2], self.subjects[1]
        told, of_bob = {"addressee_id": carl}, {"addressee_id": bob}
        hold = {"occurred_at": "2026-03-01T10:00:00Z", "reason": "a claim"}
        yield f"addressee:{carl}", "audience.legal_hold_placed", {**told, **hold}
        released = {"entry": 3, "occurred_at": "2026-03-02T10:00:00Z", "reason": "settled"}
        until = {"evidence_until": "2026-03-03T10:00:00Z"}
        yield f"addressee:{carl}", "audience.legal_hold_released", {**told, **released, **until}
        certificate = {
            "certified_at": "2026-03-02T11:00:00Z",
            "erased_at": "2026-03-01T09:00:00Z",
            "erased_position": 1,
            "key_destroyed_position": 2,
            "positions": {"contacts": 2},
            "stores": [{"store": "views", "holds": "contacts", "action": "purged", "proof": "written anew"}],
            "kept": [{"what": "an HMAC", "why": "so that nobody writes"}],
            "complete_by": "2026-04-01T11:00:00Z",
        }
        yield f"addressee:{carl}", "audience.erasure_certified", {**told, **certificate}
        yield f"addressee:{carl}", "audience.evidence_expired", told
        yield f"addressee:{carl}", "audience.evidence_key_destroyed", told
        yield f"addressee:{bob}", "audience.legal_hold_placed", {**of_bob, **hold}
        kept = {"evidence_ends": "2030-01-01T00:00:00Z", "evidence_until": None}
        yield f"addressee:{bob}", "audience.addressee_erased", {**of_bob, **kept}

    def _decisions(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Entries 12 to 14: the same message is held, then allowed and handed over."""
        message: dict[str, Any] = {"message_id": self.message, "workspace_id": self.workspace}
        about = {"purpose": "marketing", "workspace": str(self.workspace), "campaign_type": "offers"}
        unknown = {
            "verdict": "hold",
            "law": None,
            "rule": "no-country",
            "missing": ["country"],
            "note": "why",
        }
        consent = {"verdict": "allow", "law": "de", "rule": "de.consent", "entries": [3]}
        for reason, expires_at in ((unknown, None), (consent, "2026-03-02T10:10:00Z")):
            yield self._of_anna(
                "permission_decided",
                **message,
                message=about,
                sender_country="DE",
                verdict=reason["verdict"],
                decided_at="2026-03-02T10:00:00Z",
                expires_at=expires_at,
                reasons=[reason],
                packs={"de": "1"},
            )
        dispatched = {"allowed_by": 13, "occurred_at": "2026-03-02T10:01:00Z"}
        yield self._of_anna("message_dispatched", **message, **dispatched)
        less = {"scope": "campaign_type", "within": "offers", "occurred_at": "2026-03-02T11:00:00Z"}
        yield self._of_anna("opt_out_narrowed", entry=5, **less)
        yield self._of_anna("opt_out_told_late", occurred_at="2026-02-02T10:00:00Z", channel="page")

    def _standings(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Somebody whose permission is announced to lapse, and lapses, and somebody whose lasts: no contacts.

        The latter gave something to one client more than to the tenant, and something to another that was retracted.
        """
        consent = {
            "occurred_on": "2023-11-20",
            "source": "event",
            "recorded_by": "api",
            "documented": True,
        }
        for person, country in ((self.lapsed, "FR"), (self.lasting, "CA")):
            stream = f"addressee:{person}"
            who: dict[str, Any] = {"addressee_id": person}
            yield stream, "audience.addressee_registered", {**who, "email": "b@x.example", "country": country}
            yield stream, "audience.addressee_described", {**who, "subscriber_type": "individual"}
            yield stream, "audience.consent_recorded", {**who, **consent}
            yield stream, "audience.description_taken_back", {**who, "country": country}
        stream, who = f"addressee:{self.lasting}", {"addressee_id": self.lasting}
        for client in (self.workspace, self.second):
            yield stream, "audience.consent_recorded", {**who, **consent, "workspace_id": client}
        yield stream, "audience.entry_retracted", {**who, "entry": 6, "reason": "a mistake"}
        ended: dict[str, Any] = {
            "law": "fr",
            "rule": "fr.consent",
            "basis": "consent",
            "entries": [3],
            "sender_country": "FR",
        }
        ended |= {"announced_at": "2026-11-20T00:00:00Z", "packs": {"fr": "1"}}
        stream = f"addressee:{self.lapsed}"
        ended |= {"addressee_id": self.lapsed}
        ends = "2026-11-19T23:00:00Z"
        yield stream, "audience.permission_lapsing", {**ended, "lapses_at": ends}
        over = {"lapsed_at": ends, "verdict": "deny", "rule_since": "otherwise"}
        yield stream, "audience.permission_lapsed", {**ended, **over}

    def _rights(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        def told(request: UUID, what: str, **fields: Any) -> tuple[str, str, dict[str, Any]]:
            return f"subject_request:{request}", f"rights.{what}", {"request_id": request, **fields}

        term: dict[str, Any] = {
            "law": "eu-gdpr",
            "deadline": "eu-gdpr.request",
            "cites": "GDPR",
            "confidence": "T",
        }
        term |= {"place": "DE", "due": "2026-04-01", "due_at": LATER}
        received: dict[str, Any] = {"channel": "email", "received_at": LATER, "submitted_at": LATER}
        received |= {"place": "DE", "place_assumed": False, "by_agent": False, "terms": [term]}
        received |= {"due": "2026-04-01", "due_at": LATER, "warn_at": LATER, "acknowledge_by": None}
        of: dict[str, Any] = {"kind": "access", "law": "eu-gdpr"}
        closing: dict[str, Any] = {**of, "received_at": LATER, "details_until": LATER}
        person: dict[str, Any] = {"addressee_id": self.subjects[0]}
        extended = {**of, "told_at": LATER, "due": "2026-06-01", "due_at": LATER, "warn_at": LATER}
        ends: list[tuple[str, dict[str, Any]]] = [
            (
                "request_completed",
                {"outcome": "fulfilled", "completed_at": LATER, "in_time": True, "entered_late": False},
            ),
            (
                "request_refused",
                {
                    "ground": "excessive",
                    "refused_at": LATER,
                    "in_time": False,
                    "entered_late": False,
                    "reason": "n",
                },
            ),
            ("request_withdrawn", {"withdrawn_at": LATER}),
        ]
        steps: list[tuple[str, dict[str, Any]]] = [
            ("data_disclosed", {"disclosed_at": LATER, "digest": "a" * 64, "position": "p", "form": "json"}),
            ("data_rectified", {"fields": ["title"], "contacts": 1}),
            ("processing_restricted", {**person, "entry": 3}),
            ("erasure_confirmed", person),
        ]
        for number, request in enumerate((self.request, *(fresh() for _ in range(4)))):
            asks = {"kind": "access", "addressee_id": None, "email": "a@x.example"}
            yield told(request, "request_received", **asks, **received)
            yield told(request, "subject_named", **person)
            yield told(request, "request_acknowledged", acknowledged_at=LATER, entered_at=LATER)
            yield told(request, "identity_asked", asked_at=LATER, asked_for="a letter")
            yield told(request, "identity_checked", method="known", verified=number < 3, checked_at=LATER)
            for what in ("deadline_approaching", "deadline_missed"):
                yield told(request, what, **of, due="2026-04-01", due_at=LATER)
            yield told(request, "request_extended", **extended, reason="many")
            if number < len(steps):
                yield told(request, steps[number][0], **steps[number][1])
            if number < len(ends):
                yield told(request, ends[number][0], **closing, **ends[number][1])
        yield told(self.request, "details_destroyed")
        yield told(fresh(), "erasure_begun", **person)
        yield from self._activities()

    def _activities(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        record = {"title": "News", "role": "controller", "purposes": ["Ads"]}
        for activity in (fresh(), self.activity):
            stream, which = f"activity:{activity}", {"activity_id": activity}
            yield stream, "rights.activity_entered", {**which, "record": record, "contacts": "dpo@x.example"}
            changed = {**which, "before": record, "after": {**record, "title": "Offers"}}
            yield stream, "rights.activity_changed", {**changed, "contacts_changed": False}
            others = {"contacts_changed": True, "contacts_after": None}
            yield stream, "rights.activity_changed", {**changed, **others}
            yield stream, "rights.activity_reviewed", {**which, "reviewed_at": LATER}
        ended = {"activity_id": self.activity, "ended_at": LATER}
        yield f"activity:{self.activity}", "rights.activity_ended", ended

    def _queries(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        gone = fresh()
        for query in (self.query, gone):
            stream, which = f"saved_query:{query}", {"query_id": query}
            text = {**which, "author_id": self.owner, "sql": "SELECT 1"}
            yield stream, "reporting.query_saved", {**text, "title": "One"}
            yield stream, "reporting.query_renamed", {**which, "before": "One", "after": "Two"}
            yield stream, "reporting.query_changed", {**text, "sql": "SELECT 2"}
        yield f"saved_query:{gone}", "reporting.query_deleted", {"query_id": gone}
