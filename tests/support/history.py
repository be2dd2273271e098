"""A tenant's history with every event that a view knows, and the platform's beside it."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from domain.audience.intake.mapping import Mapping
from domain.kernel.events import EVENTS, Event
from tests.support.deliveries import of_packs, of_schedules
from tests.support.history_of_books import of_books
from tests.support.history_of_payments import of_account, of_gateway, of_notices
from tests.support.history_of_people import LATER, OfPeople
from tests.support.history_of_retention import of_retention
from tests.support.postings import of_posting
from tests.support.projecting import fresh
from tests.support.reviewed import of_reviews


class History(OfPeople):
    """One tenant's, and the platform's, with the ids it is about."""

    def of_tenant(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Stream, stored name and payload of each event."""
        tenant = {"tenant_id": self.tenant}
        key = f"tenant:{self.tenant}"
        yield from of_notices(self.tenant, self.notice)
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
        yield from self._billing()
        yield from of_account(self.tenant)
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
        yield from of_books(self.workspace, self.cost, self.target, self.rate)
        yield from self._queries()
        yield from of_schedules(self.schedule, self.owner, self.deliveries)
        yield from of_packs(self.pack)
        yield from of_reviews(self.tenant)
        yield from of_retention(self.tenant, self.workspace, self.pack, self.plan)
        yield from of_posting(self.posting, self.owner)

    def _billing(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        account, tenant = f"billing_account:{self.tenant}", {"tenant_id": self.tenant}
        subscription, invoice, paid = fresh(), fresh(), fresh()
        yield (
            account,
            "billing.customer_linked",
            {**tenant, "gateway": "stripe", "reference": "c", "live": True},
        )
        trial = {"plan": "starter", "ends_at": LATER, "remind_at": LATER}
        yield account, "billing.trial_started", {**tenant, **trial}
        yield account, "billing.trial_ended", {**tenant, "subscribed": True}
        for number, (as_, status) in enumerate((("b", "active"), ("a", "incomplete"))):
            item = {"price": "p", "kind": "plan", "of": "starter", "unit_amount": 4_900, "quantity": 1}
            terms = {"status": status, "currency": "USD", "items": [{**item, "interval": "month"}]}
            told = {"teller": "stripe", "told_as": as_, "reference": None if number else "s", "rank": 1}
            when = {"subscription_id": subscription, "effective_at": LATER, "terms": terms}
            yield f"subscription:{subscription}", "billing.subscription_reported", {**when, **told}
        entitled = {"plan": "starter", "catalogue": "2026-01", "limits": {"users": 2}, "features": []}
        yield account, "billing.entitlements_changed", {**tenant, **entitled}
        policy = {"meter": "emails", "policy": "buy", "ceiling": 7}
        yield account, "billing.overage_policy_set", {**tenant, **policy}
        block = {"block_id": fresh(), "meter": "emails", "period": "2026-03"}
        reserved = {"consumer": fresh(), "amount": 9, "over": 3, "billed": True, "settle_at": LATER}
        counter = f"usage:{fresh()}"
        yield counter, "billing.block_reserved", {**tenant, **block, **reserved}
        yield counter, "billing.block_settled", {**tenant, **block, "used": 1, "over": 3}
        late = {**block, "block_id": fresh()}
        for used in (block, late, {**block, "block_id": fresh()}):
            yield counter, "billing.overage_used", {**tenant, **used, "messages": 3}
        full = {"meter": "emails", "period": "2026-03", "bought": 7, "ceiling": 7, "limit": 9}
        yield counter, "billing.ceiling_reached", {**tenant, **full}
        yield (
            counter,
            "billing.overage_written_off",
            {**tenant, **late, "messages": 3, "reason": "customer_gone"},
        )
        priced = {"price": "p", "unit_amount": 100, "currency": "USD", "before": 0, "units": 1}
        yield counter, "billing.overage_reported", {**tenant, **block, **priced, "messages": 3}
        for one in (invoice, paid):
            dunned = {**tenant, "invoice_id": one}
            ends = {"retry_at": LATER, "suspend_at": LATER, "cancel_at": LATER}
            yield account, "billing.dunning_began", {**dunned, "began_at": LATER, **ends}
            yield account, "billing.dunning_retried", {**dunned, "retry": 1, "retry_at": LATER}
            yield account, "billing.dunning_began", {**dunned, "began_at": LATER, **ends}
            failed = {"invoice_id": one, "attempt": 3, "failed_at": LATER, "code": None}
            yield f"invoice:{one}", "billing.invoice_payment_failed", failed
        yield account, "billing.dunning_suspended", {**tenant, "invoice_id": invoice}
        yield account, "billing.dunning_ended", {**tenant, "invoice_id": paid, "outcome": "paid"}
        yield account, "billing.access_changed", {**tenant, "before": "active", "after": "suspended"}

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
            yield stream, "audience.import_paused", {**told, "problem": "access-ended", "remedy": "Pay."}
            if end is None:
                yield stream, "audience.import_cancelled", {**told, "files_until": LATER}
                continue
            yield stream, "audience.import_resumed", told
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
        yield from of_gateway(self.tenant)
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
