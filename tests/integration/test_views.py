"""Every operational view over one history with every event it knows: live equals rebuilt, each shows its own."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from application.queries import QUERIES, ById, PersonalFilter, Scope
from domain.audience.intake.mapping import Mapping
from domain.kernel.errors import NotFound
from domain.kernel.events import EVENTS, Event
from domain.kernel.ids import PLATFORM
from domain.kernel.personal import SEALED, KeyKind, personal_fields
from projections.jobs.due import JOBS
from projections.operational.views import VIEWS
from projections.runtime.compare import compare
from tests.support.database import Database
from tests.support.projecting import World, fresh

DISPATCHED = datetime(2026, 3, 2, 10, 1, tzinfo=UTC)
LATER = datetime.now(UTC) + timedelta(days=7)
HANDLED = {name for projection in (*VIEWS, JOBS) for name in projection.handlers}


class History:
    """One tenant's, and the platform's, with the ids it is about."""

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

    def of_tenant(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Stream, stored name and payload of each event."""
        tenant = {"tenant_id": self.tenant}
        key = f"tenant:{self.tenant}"
        opened = {**tenant, "tenant_name": "Acme", "slug": "acme", "plan": "free", "country": "US"}
        yield key, "tenancy.tenant_opened", opened
        yield key, "tenancy.tenant_renamed", {**tenant, "before": "Acme", "after": "Acme Ltd"}
        yield key, "tenancy.plan_changed", {**tenant, "before": "free", "after": "business"}
        yield key, "tenancy.tenant_suspended", {**tenant, "suspended_by": self.staff, "reason": "unpaid"}
        yield key, "tenancy.tenant_reinstated", tenant
        for workspace, name in ((self.workspace, "One"), (self.second, "Two")):
            told = {"workspace_id": workspace, "workspace_name": name}
            yield f"workspace:{workspace}", "tenancy.workspace_created", told
        renamed = {"workspace_id": self.workspace, "before": "One", "after": "First"}
        yield f"workspace:{self.workspace}", "tenancy.workspace_renamed", renamed
        yield f"workspace:{self.second}", "tenancy.workspace_archived", {"workspace_id": self.second}
        yield from self._people()
        yield from self._keys()
        yield from self._contacts()
        yield from self._import()
        yield from self._consents()
        yield from self._decisions()
        yield from self._standings()
        yield from self._webhooks()
        yield from self._campaigns()
        yield from self._rights()

    def _people(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        joined = {"email": "o@acme.example", "full_name": "Olga", "role": "owner"}
        owner = {"member_id": self.owner}
        yield f"member:{self.owner}", "tenancy.member_joined", {**owner, **joined}
        yield f"ownership:{self.tenant}", "tenancy.ownership_granted", owner
        for person in (self.invited, self.left):
            invited = {"member_id": person, "email": "i@acme.example", "full_name": "Ivo", "role": "member"}
            secret = {"token_hmac": "ab", "expires_at": LATER, "workspaces": {self.workspace: "viewer"}}
            yield f"member:{person}", "tenancy.member_invited", {**invited, **secret}
        left = {"member_id": self.left, **joined, "role": "admin", "workspaces": {self.second: "admin"}}
        yield f"member:{self.left}", "tenancy.member_joined", left
        yield f"ownership:{self.tenant}", "tenancy.ownership_granted", {"member_id": self.left}
        role = {"member_id": self.left, "before": "admin", "after": "viewer"}
        yield f"member:{self.left}", "tenancy.member_role_changed", role
        within = {"member_id": self.invited, "workspace_id": self.second, "before": None, "after": "member"}
        yield f"member:{self.invited}", "tenancy.workspace_role_set", within
        without = {**within, "workspace_id": self.workspace, "before": "viewer", "after": None}
        yield f"member:{self.invited}", "tenancy.workspace_role_set", without
        again = {"member_id": self.invited, "token_hmac": "cd", "expires_at": LATER}
        yield f"member:{self.invited}", "tenancy.invitation_resent", again
        yield f"ownership:{self.tenant}", "tenancy.ownership_relinquished", {"member_id": self.left}
        gone = fresh()
        invited = {"member_id": gone, "email": "g@acme.example", "full_name": "G", "role": "viewer"}
        yield f"member:{gone}", "tenancy.member_invited", {**invited, "token_hmac": "ef", "expires_at": LATER}
        yield f"member:{gone}", "tenancy.invitation_revoked", {"member_id": gone}

    def _keys(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        for key, person in ((self.key, None), (self.dead_key, self.left)):
            made = {
                "api_key_id": key,
                "label": "k",
                "role": "member",
                "member_id": person,
                "secret_hmac": "aa",
            }
            yield f"api_key:{key}", "tenancy.api_key_created", made
        renamed = {"api_key_id": self.key, "before": "k", "after": "robot"}
        yield f"api_key:{self.key}", "tenancy.api_key_renamed", renamed
        removed = {"member_id": self.left, "moved_to": self.owner, "left": True}
        yield f"member:{self.left}", "tenancy.member_removed", removed
        revoked = fresh()
        made = {"api_key_id": revoked, "label": "old", "role": "viewer", "secret_hmac": "bb"}
        yield f"api_key:{revoked}", "tenancy.api_key_created", made
        yield f"api_key:{revoked}", "tenancy.api_key_revoked", {"api_key_id": revoked}
        for grant, end in (
            (self.grant, None),
            (fresh(), ("tenancy.grant_expired", {})),
            (fresh(), ("tenancy.grant_revoked", {"by_tenant": True})),
            (fresh(), ("tenancy.grant_denied", {"denied_by": self.ex_staff})),
        ):
            asked = {"grant_id": grant, "requested_by": self.staff, "scope": ["contacts.read"]}
            why = {"ticket": "T-1", "reason": "a bug", "hours": 2}
            yield f"grant:{grant}", "tenancy.grant_requested", {**asked, **why}
            if end is None or end[0] != "tenancy.grant_denied":
                agreed = {"grant_id": grant, "approved_by": self.ex_staff, "expires_at": LATER}
                yield f"grant:{grant}", "tenancy.grant_approved", agreed
            if end is not None:
                yield f"grant:{grant}", end[0], {"grant_id": grant, **end[1]}

    def _contact(self, contact: UUID, subject: UUID, **more: Any) -> dict[str, Any]:
        whose = {"contact_id": contact, "workspace_id": self.workspace, "addressee_id": subject}
        return {**whose, **more}

    def _contacts(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        segment = {"country": "DE"}
        people = zip((self.anna, self.bob, self.carl), self.subjects, ("anna", "bob", "carl"), strict=True)
        for contact, subject, name in people:
            made = self._contact(
                contact, subject, email=f"{name}@x.example", first_name=name, segment=segment
            )
            yield f"contact:{contact}", "audience.contact_created", made
        listed = {"list_id": self.list, "workspace_id": self.workspace}
        yield f"list:{self.list}", "audience.list_created", {**listed, "list_name": "All"}
        yield f"list:{self.list}", "audience.list_renamed", {**listed, "before": "All", "after": "Everybody"}
        everybody = {**listed, "contact_ids": [self.anna, self.bob, self.carl]}
        yield f"list:{self.list}", "audience.list_members_added", everybody
        yield f"list:{self.list}", "audience.list_members_removed", {**listed, "contact_ids": [self.bob]}
        yield f"list:{self.list}", "audience.list_members_added", {**listed, "contact_ids": [self.bob]}
        gone = self._contact(self.bob, self.subjects[1], segment=segment, reason="requested")
        yield f"contact:{self.bob}", "audience.contact_removed", gone
        yield f"list:{self.list}", "audience.list_archived", listed

    def _import(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        for imported, end in (
            (self.imported, {"rows": 3, "imported": 1, "updated": 1, "skipped": 0, "rejected": 1}),
            (fresh(), None),
            (fresh(), {"problem": "broken-quote", "remedy": "Close it."}),
            (fresh(), {}),
        ):
            stream = f"import:{imported}"
            told = {"import_id": imported, "workspace_id": self.workspace}
            file = {"uploaded_by": self.owner, "file_name": "people.csv", "size": 10, "sha256": "0" * 64}
            yield stream, "audience.import_registered", {**told, **file}
            read = {"encoding": "utf-8", "delimiter": ",", "columns": {"Mail": "email"}}
            yield stream, "audience.import_ready", {**told, **read}
            if end == {}:
                yield stream, "audience.import_expired", {**told, "files_until": LATER}
                continue
            yield (
                stream,
                "audience.import_started",
                {**told, "mapping": Mapping().model_dump(mode="json"), "list_id": self.list},
            )
            if end is None:
                yield stream, "audience.import_cancelled", {**told, "files_until": LATER}
                continue
            if "problem" in end:
                yield stream, "audience.import_failed", {**told, **end, "files_until": LATER}
                continue
            yield from self._applied(stream, told)
            yield stream, "audience.import_completed", {**told, **end, "files_until": LATER}
            yield stream, "audience.import_rollback_requested", told
            undone = {"removed": 1, "restored": 0, "kept": 1}
            yield stream, "audience.import_rollback_chunk_applied", {**told, "chunk": 1, **undone}
            yield stream, "audience.import_rolled_back", {**told, **undone}
            yield stream, "audience.import_files_destroyed", told
        yield f"addressee:{self.subjects[2]}", "audience.addressee_erased", {"addressee_id": self.subjects[2]}
        erased = self._contact(self.carl, self.subjects[2], segment={})
        yield f"contact:{self.carl}", "audience.contact_erased", erased
        shredded = {"addressee_id": self.subjects[2]}
        yield f"addressee:{self.subjects[2]}", "audience.profile_key_destroyed", shredded
        yield from self._erasures()

    def _applied(self, stream: str, told: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
        counted = {"imported": 1, "updated": 0, "skipped": 0, "rejected": 0}
        chunk = {**told, "chunk": 1, "first_row": 1, "last_row": 1, **counted}
        yield stream, "audience.import_chunk_applied", {**chunk, "warnings": {"odd-name": 2}}
        for contact, subject, city in (
            (self.anna, self.subjects[0], "B"),
            (self.carl, self.subjects[2], "C"),
        ):
            changed = self._contact(
                contact,
                subject,
                before={"attributes": {}},
                after={"attributes": {"city": city}},
                segment_before={"country": "DE"},
                segment_after={"country": "FR"},
                import_id=self.imported,
            )
            yield f"contact:{contact}", "audience.contact_updated", changed
        second = {"chunk": 2, "imported": 0, "updated": 1, "rejected": 1}
        yield (
            stream,
            "audience.import_chunk_applied",
            {**chunk, **second, "warnings": {"odd-name": 2}, "problems": {"bad-email": 1}},
        )

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

    def _standings(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Somebody whose permission is announced to lapse, and lapses, and somebody whose lasts: no contacts."""
        for person, country in ((self.lapsed, "FR"), (self.lasting, "CA")):
            stream = f"addressee:{person}"
            who: dict[str, Any] = {"addressee_id": person}
            yield stream, "audience.addressee_registered", {**who, "email": "b@x.example", "country": country}
            yield stream, "audience.addressee_described", {**who, "subscriber_type": "individual"}
            consent = {
                "occurred_on": "2023-11-20",
                "source": "event",
                "recorded_by": "api",
                "documented": True,
            }
            yield stream, "audience.consent_recorded", {**who, **consent}
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
            ("request_completed", {"outcome": "fulfilled", "completed_at": LATER, "in_time": True}),
            (
                "request_refused",
                {"ground": "excessive", "refused_at": LATER, "in_time": False, "reason": "n"},
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
            yield told(request, "request_acknowledged", acknowledged_at=LATER)
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

    def _webhooks(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        def told(endpoint: UUID, what: str, **fields: Any) -> tuple[str, str, dict[str, Any]]:
            return f"webhook_endpoint:{endpoint}", f"webhooks.{what}", {"endpoint_id": endpoint, **fields}

        first, second, removed = fresh(), fresh(), fresh()
        made = {"url": "https://a.example", "events": ["*"], "description": None}
        for endpoint, secret in ((self.endpoint, first), (removed, fresh())):
            yield told(endpoint, "endpoint_created", **made, secret_id=secret)
        yield told(self.endpoint, "endpoint_changed", **{**made, "events": ["audience.*"]})
        yield told(self.endpoint, "secret_rotated", secret_id=second)
        for secret in (first, second):
            yield told(self.endpoint, "secret_retired", secret_id=secret, retires_at=LATER)
        yield told(self.endpoint, "secret_destroyed", secret_id=first)
        yield told(self.endpoint, "endpoint_paused", reason="asked", failures=None)
        yield told(self.endpoint, "endpoint_resumed")
        yield told(self.endpoint, "replay_asked", first=2, last=5)
        yield told(self.endpoint, "endpoint_paused", reason="failing", failures=100)
        yield told(removed, "endpoint_removed")

    def _campaigns(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        def told(campaign: UUID, what: str, **fields: Any) -> tuple[str, str, dict[str, Any]]:
            ids = {"campaign_id": campaign, "workspace_id": self.workspace}
            return f"campaign:{campaign}", f"campaign.{what}", {**ids, **fields}

        plan = {"title": "Saws", "purpose": "marketing", "list_ids": [self.list], "countries": ["DE"]}
        wanted = {"law": "de", "requirement": "de.sender", "element": "sender_not_concealed"}
        wanted |= {"about": "a", "cites": "UWG", "confidence": "T", "remedy": "r"}
        check = {"countries": ["DE"], "sender_country": "DE", "packs": {"de": "1"}, "checked_at": LATER}
        asked = {"content_hash": "cd", "requested_by": self.owner, "requested_at": LATER, "answer_by": LATER}
        yes = {"content_hash": "cd", "approved_at": LATER}
        was = {"state_before": "in_review"}
        ends: list[tuple[str, dict[str, Any]]] = [
            ("rejected", {"content_hash": "cd", "rejected_by": self.owner, "reason": "no"}),
            ("review_timed_out", {"content_hash": "cd", "timed_out_at": LATER}),
            (
                "approval_voided",
                {**was, "hash_before": "cd", "hash_after": "ef", "edited_by": self.owner},
            ),
            ("withdrawn", {**was, "content_hash": "cd", "withdrawn_by": self.owner}),
            ("archived", {}),
        ]
        for campaign, end in [(self.campaign, None), *[(fresh(), end) for end in ends]]:
            yield told(campaign, "drafted", plan=plan, author=self.owner)
            content = {"subject": "S", "text": "T", "promotion": True}
            yield told(campaign, "content_written", content=content, shown=[], author=self.owner)
            lacks = {"missing": [wanted], "missing_tokens": ["company.name"]}
            yield told(campaign, "checked", content_hash="ab", **check, **lacks)
            after = {**plan, "title": "Axes", "campaign_type": "news"}
            yield told(campaign, "plan_changed", before=plan, after=after, author=self.owner)
            yield told(campaign, "checked", content_hash="cd", **check, missing=[], missing_tokens=[])
            parts = ["campaign_manager", "compliance_officer"]
            yield told(campaign, "approval_requested", **asked, recipients=2, parts=parts)
            first = {"part": "campaign_manager", "approver": self.invited, "complete": False}
            yield told(campaign, "approval_given", **yes, **first)
            if end is not None:
                yield told(campaign, end[0], **end[1])
        last = {"part": "compliance_officer", "approver": self.owner, "complete": True}
        yield told(self.campaign, "approval_given", **yes, **last)

    def of_platform(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        for staff, email in ((self.staff, "s@p.example"), (self.ex_staff, "x@p.example")):
            added = {"staff_id": staff, "role": "support", "email": email, "full_name": "Sam"}
            yield f"staff:{staff}", "platform.staff_added", added
        changed = {"staff_id": self.staff, "before": "support", "after": "operations"}
        yield f"staff:{self.staff}", "platform.staff_role_changed", changed
        yield f"staff:{self.ex_staff}", "platform.staff_removed", {"staff_id": self.ex_staff}
        for tenant in (self.tenant, fresh()):
            registered = {
                "tenant_id": tenant,
                "tenant_name": "Acme",
                "slug": f"acme-{tenant}",
                "plan": "free",
            }
            who = {"owner_id": self.owner, "workspace_id": self.workspace, "owner_email": "o@acme.example"}
            told = {**registered, **who, "owner_name": "Olga"}
            yield f"registration:{tenant}", "platform.tenant_registered", told
            key = {"tenant_id": tenant, "api_key_id": fresh(), "secret_hmac": "ab"}
            yield f"registration:{tenant}", "platform.first_key_made", key
        yield f"registration:{tenant}", "platform.first_key_forgotten", {"tenant_id": tenant}
        yield f"registration:{tenant}", "platform.tenant_closed", {"tenant_id": tenant}
        suppression = fresh()
        stream, of = f"platform_suppression:{suppression}", {"suppression_id": suppression}
        told = {**of, "email": "ann@example.org", "kind": "abuse", "reason": "Reported."}
        yield stream, "platform.address_suppressed", told
        yield stream, "platform.suppression_copied", of
        yield stream, "platform.address_released", {**of, "reason": "A mistake."}
        yield stream, "platform.release_copied", of
        yield stream, "platform.suppression_forgotten", of


def events(told: Iterator[tuple[str, str, dict[str, Any]]]) -> list[tuple[str, Event]]:
    return [(stream, EVENTS.classes[name].model_validate(payload)) for stream, name, payload in told]


@pytest.fixture(scope="module")
def worlds(module_database: Database) -> tuple[World, History, History]:
    """Two tenants' histories, projected in batches of every size."""
    world = World(module_database, [*VIEWS, JOBS])
    mine, other = History(), History()
    for history in (mine, other):
        batches = [
            (history.tenant, events(history.of_tenant())),
            (PLATFORM, events(history.of_platform())),
        ]
        for tenant, happened in batches:
            done, size = 0, 1
            while done < len(happened):
                world.append(tenant, *happened[done : done + size])
                done, size = done + size, size + 1
                world.project()
        keys = [(history.tenant, str(history.subjects[2]), KeyKind.PROFILE)]
        world.keys.destroy(keys)
    return world, mine, other


def test_the_history_has_every_event_that_a_view_handles() -> None:
    history = History()
    told = {name for _, name, _ in (*history.of_tenant(), *history.of_platform())}
    assert sorted(HANDLED - told - {"tenancy.tenant_closed"}) == []


@pytest.mark.parametrize("name", [projection.name for projection in (*VIEWS, JOBS)])
def test_a_rebuild_equals_the_live_view(worlds: tuple[World, History, History], name: str) -> None:
    world, _, _ = worlds
    with world.projector.connect() as connection:
        found = compare(world.settings(), connection, name)
    assert (found.differences, found.skipped, found.tenants) == ([], 0, 3)
    assert found.rows > 0


STANDING = ("standings", "standing_coverage")
EXPECTED: dict[str, tuple[dict[str, Any], Sequence[dict[str, Any]]]] = {
    "tenancy.workspaces": ({}, [{"name": "Two", "archived": True}, {"name": "First", "archived": False}]),
    "tenancy.members": (
        {},
        [
            {"status": "invited", "owner": False, "role": "member", "full_name": "Ivo"},
            {"status": "joined", "owner": True, "role": "owner", "workspaces": {}},
        ],
    ),
    "tenancy.api_keys": (
        {},
        [{"label": "old", "live": False}, {"label": "k", "live": False}, {"label": "robot", "live": True}],
    ),
    "tenancy.grants": ({"status": "approved"}, [{"reason": "a bug", "ticket": "T-1"}]),
    "audience.contacts": ({}, [{"email": "anna@x.example", "country": "FR", "attributes": {"city": "B"}}]),
    "audience.consents": (
        {},
        [
            {"entry": 3, "what": "consent", "kind": "single", "state": "standing"},
            {"entry": 3, "what": "consent", "kind": "single", "state": "standing"},
            {"entry": 10, "what": "suppression", "state": "lifted", "scope": "workspace"},
            {"entry": 7, "what": "relation", "kind": "contract", "state": "ended"},
            {"entry": 5, "what": "opt_out", "kind": "unsubscribe", "state": "lifted"},
            {"entry": 3, "what": "consent", "kind": "double", "state": "withdrawn", "documented": False},
            {"entry": 2, "what": "confirmation_request", "state": "confirmed"},
            {"entry": 1, "what": "consent", "kind": "single", "state": "retracted"},
            {"what": "suppression", "kind": "erasure", "state": "standing", "entry": 2},
            {"what": "suppression", "kind": "erasure", "state": "standing", "entry": 1},
        ],
    ),
    "audience.decisions": (
        {"superseded": True},
        [
            {"entry": 13, "verdict": "allow", "law": "de", "superseded": False, "dispatched_at": DISPATCHED},
            {"entry": 12, "verdict": "hold", "rule": "no-country", "superseded": True, "dispatched_at": None},
        ],
    ),
    "audience.erasures": (
        {},
        [
            {"status": "erased", "held": True, "evidence_until": None, "certified_at": None},
            {"status": "certified", "held": False, "evidence_until": None},
        ],
    ),
    "audience.legal_holds": ({"standing": False}, [{"entry": 3}]),
    "audience.standings": (
        {},
        [
            {"verdict": "allow", "law": "ca", "basis": "express consent", "entries": [3], "contact_ids": []},
            {"verdict": "deny", "law": "fr", "rule": "otherwise", "basis": None, "until": None},
            {"verdict": "hold", "law": None, "rule": "country-unknown", "missing": ["country"]},
        ],
    ),
    "audience.standing_coverage": (
        {},
        [
            {"verdict": "allow", "law": "ca", "basis": "express consent", "people": 1},
            {"verdict": "deny", "law": "fr", "basis": None, "people": 1},
            {"verdict": "hold", "law": None, "basis": None, "people": 1},
        ],
    ),
    "audience.lists": ({}, [{"name": "Everybody", "archived": True, "members": 1}]),
    "audience.imports": (
        {},
        [
            {"status": "expired", "rows": 0, "files_until": LATER},
            {"status": "failed", "problem": "broken-quote"},
            {"status": "cancelled", "rows": 0},
            {"status": "rolled_back", "rows": 3, "imported": 1, "updated": 1, "rejected": 1, "kept": 1},
        ],
    ),
    "campaign.campaigns": (
        {},
        [
            {"state": "archived", "outcome": None, "recipients": 2},
            {"state": "draft", "outcome": "withdrawn", "recipients": None},
            {"state": "draft", "outcome": "voided", "answer_by": None},
            {"state": "draft", "outcome": "timed_out", "parts": None},
            {"state": "draft", "outcome": "rejected", "manager": None},
            {
                "state": "approved",
                "outcome": "approved",
                "name": "Axes",
                "campaign_type": "news",
                "countries": ["DE"],
                "content_hash": "cd",
                "missing": [],
                "missing_tokens": [],
                "recipients": 2,
                "answer_by": LATER,
                "parts": ["campaign_manager", "compliance_officer"],
            },
        ],
    ),
    "webhooks.webhook_endpoints": (
        {},
        [
            {"state": "removed", "pause_reason": None, "replays": 0},
            {"state": "paused", "pause_reason": "failing", "events": ["audience.*"], "replays": 1},
        ],
    ),
}


@pytest.mark.parametrize("name", sorted(EXPECTED))
async def test_a_view_shows_what_the_history_says(worlds: tuple[World, History, History], name: str) -> None:
    world, mine, _ = worlds
    params, rows = EXPECTED[name]
    page = await world.ask(name, Scope(mine.tenant), **params)
    shown = [row.model_dump() for row in page.rows]
    assert [{key: one[key] for key in expected} for one, expected in zip(shown, rows, strict=True)] == list(
        rows
    )


async def test_one_thing_is_found_by_its_id_and_only_by_its_own_tenant(
    worlds: tuple[World, History, History],
) -> None:
    world, mine, other = worlds
    ids = {
        "tenancy.tenant": mine.tenant,
        "tenancy.workspace": mine.workspace,
        "tenancy.member": mine.invited,
        "tenancy.api_key": mine.key,
        "tenancy.grant": mine.grant,
        "audience.contact": mine.anna,
        "audience.erasure": mine.subjects[2],
        "audience.contact_list": mine.list,
        "audience.contact_import": mine.imported,
        "webhooks.webhook_endpoint": mine.endpoint,
        "campaign.campaign": mine.campaign,
        "rights.request": mine.request,
        "rights.activity": mine.activity,
    }
    singles = {name for name, query in QUERIES.items() if query.single and query.context != "platform"}
    assert singles == set(ids)
    for name, id_ in ids.items():
        page = await world.ask(name, Scope(mine.tenant), id=id_)
        assert len(page.rows) == 1, name
        with pytest.raises(NotFound):
            await world.ask(name, Scope(other.tenant), id=id_)
    (detail,) = (await world.ask("audience.contact_import", Scope(mine.tenant), id=mine.imported)).rows
    assert (detail.warnings, detail.problems) == ({"odd-name": 2 + 2}, {"bad-email": 1})
    (campaign,) = (await world.ask("campaign.campaign", Scope(mine.tenant), id=mine.campaign)).rows
    assert (campaign.manager, campaign.officer) == (mine.invited, mine.owner)
    assert campaign.content["subject"] == "S"
    (member,) = (await world.ask("tenancy.member", Scope(mine.tenant), id=mine.invited)).rows
    assert member.workspaces == {mine.second: "member"}


async def test_the_platform_sees_its_register_and_its_people(worlds: tuple[World, History, History]) -> None:
    world, mine, _ = worlds
    register = (await world.ask("platform.tenants", Scope(PLATFORM), status="closed")).rows
    assert len(register) == 2
    staff = (await world.ask("platform.staff", Scope(PLATFORM), role="operations")).rows
    assert mine.staff in {one.staff_id for one in staff}
    assert mine.ex_staff not in {one.staff_id for one in staff}
    assert (await world.ask("platform.tenants", Scope(mine.tenant))).rows == []


async def test_no_query_shows_anything_of_another_tenant_or_beyond_its_scope(
    worlds: tuple[World, History, History],
) -> None:
    world, mine, other = worlds
    foreign = {str(value) for value in vars(other).values() if isinstance(value, UUID)}
    for name, query in QUERIES.items():
        if query.single:
            continue
        page = await world.ask(name, Scope(mine.tenant))
        text = "".join(row.model_dump_json() for row in page.rows)
        assert not [one for one in foreign if one in text], name
        assert page.auth_epoch == 1
        hidden = await world.ask(name, Scope(mine.tenant, personal=False))
        for row in hidden.rows:
            assert {getattr(row, field) for field in personal_fields(type(row))} <= {SEALED}, name
    nowhere = frozenset({fresh()})
    (certificate,) = (await world.ask("audience.erasure", Scope(mine.tenant), id=mine.subjects[2])).rows
    assert [line.action for line in certificate.stores] == ["purged"]
    assert certificate.evidence_destroyed_at is not None
    within = (
        "contacts",
        "consents",
        "consent_timeline",
        "decisions",
        "erasures",
        "legal_holds",
        "lists",
        "imports",
        *STANDING,
    )
    for name in (*(f"audience.{one}" for one in within), "campaign.campaigns", "tenancy.workspaces"):
        assert (await world.ask(name, Scope(mine.tenant))).rows, name
        assert (await world.ask(name, Scope(mine.tenant, workspaces=nowhere))).rows == [], name


async def test_contacts_are_found_by_list_and_by_import(worlds: tuple[World, History, History]) -> None:
    world, mine, _ = worlds
    for filters in ({"list_id": mine.list}, {"import_id": mine.imported}):
        page = await world.ask("audience.contacts", Scope(mine.tenant), **filters)
        assert [row.contact_id for row in page.rows] == [mine.anna]
    assert ById(id=mine.anna).id == mine.anna


async def test_a_member_is_found_by_their_exact_address_by_who_may_read_it(
    worlds: tuple[World, History, History],
) -> None:
    world, mine, other = worlds
    for scope, email, expected in (
        (Scope(mine.tenant), "O@acme.example", [mine.owner]),
        (Scope(mine.tenant), "o@acme", []),
        (Scope(mine.tenant), "no address", []),
        (Scope(other.tenant), "o@ACME.example", [other.owner]),
    ):
        page = await world.ask("tenancy.members", scope, email=email)
        assert [row.member_id for row in page.rows] == expected, email
    with pytest.raises(PersonalFilter):
        await world.ask("tenancy.members", Scope(mine.tenant, personal=False), email="o@acme.example")
