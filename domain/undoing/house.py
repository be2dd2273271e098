"""How what happened to tenants, campaigns, reports, webhooks and the platform is undone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from domain.undoing.ways import BECAUSE, EVENT_BEFORE, By, From, Never, Way, Why, along, by

_WORK: Final = Never(Why.WORK_DONE)
_CLOCK: Final = Never(Why.BY_THE_CLOCK)
_SECRET: Final = Never(Why.SECRET, "Make another.")
_WITHDRAWN: Final = by("campaign/withdraw-campaign")
_SIGNED: Final = Never(
    Why.SEALED, "Question an entry of the period (question-read), and sign off what comes later."
)
_JOINED: Final = ("tenancy.member_invited", "tenancy.member_joined", "tenancy.tenant_opened")
_LEFT: Final = ("tenancy.member_removed", "tenancy.invitation_revoked")
_REGISTERED: Final = ("platform.tenant_registered",)

_CAMPAIGNS: Final[Mapping[str, Way]] = {
    "campaign.approval_given": _WITHDRAWN,
    "campaign.approval_requested": _WITHDRAWN,
    "campaign.approval_voided": Never(Why.ENDED, "Ask for approval anew: request-approval."),
    "campaign.archived": Never(Why.ENDED, "Create another campaign with the same plan and content."),
    "campaign.checked": Never(Why.RECORD_OF_A_MOMENT, "Check it anew: check-campaign."),
    "campaign.content_written": By(
        "campaign/write-content",
        {"content": From("/earlier/content")},
        says="An approval of what it says now ends.",
    ).or_else(By("campaign/archive-campaign", says="It had no content before.")),
    "campaign.drafted": by("campaign/archive-campaign"),
    "campaign.plan_changed": By(
        "campaign/change-campaign-plan",
        {"name": From("/event/before/title")},
        spread=(EVENT_BEFORE,),
        says="An approval of it ends.",
    ).alone(),
    "campaign.rejected": Never(Why.ENDED, "Ask for approval anew: request-approval."),
    "campaign.review_timed_out": _CLOCK,
    "campaign.withdrawn": Never(Why.ENDED, "Ask for approval anew: request-approval."),
}

_REPORTS: Final[Mapping[str, Way]] = {
    "reporting.deliveries_skipped": _CLOCK,
    "reporting.delivery_failed": _WORK,
    "reporting.delivery_made": Never(Why.HANDED_OVER, "Deliver anew, from figures as they are now."),
    "reporting.delivery_mailed": Never(Why.HANDED_OVER, "Deliver anew, from figures as they are now."),
    "reporting.delivery_prepared": Never(
        Why.SEALED, "What was not delivered yet is dropped by pause-schedule."
    ),
    "reporting.letter_refused": Never(Why.TOLD_FROM_OUTSIDE),
    "reporting.pack_sealed": Never(
        Why.SEALED, "Seal another pack of the same period; its badge tells of this one."
    ),
    "reporting.query_changed": by("reporting/change-query", sql=From("/earlier/sql")),
    "reporting.query_deleted": Never(Why.ENDED, "Save the query anew."),
    "reporting.query_renamed": by("reporting/rename-query", title=EVENT_BEFORE),
    "reporting.query_saved": by("reporting/delete-query"),
    "reporting.schedule_changed": By("reporting/change-schedule", spread=(From("/earlier/terms"),)).alone(),
    "reporting.schedule_created": by("reporting/remove-schedule"),
    "reporting.schedule_paused": By(
        "reporting/resume-schedule", says="What was due in the pause is not made up for."
    ).alone(),
    "reporting.schedule_removed": Never(Why.ENDED, "Create another schedule."),
    "reporting.schedule_resumed": by("reporting/pause-schedule"),
}

_TENANTS: Final[Mapping[str, Way]] = {
    "tenancy.auditor_admitted": By(
        "tenancy/dismiss-auditor", says="What they read until then was read."
    ).alone(),
    "tenancy.api_key_created": By(
        "tenancy/revoke-api-key", says="What was done with it until then stays done."
    ).alone(),
    "tenancy.api_key_renamed": by("tenancy/rename-api-key", label=EVENT_BEFORE),
    "tenancy.api_key_revoked": _SECRET,
    "tenancy.grant_approved": By("tenancy/revoke-grant", says="What staff saw until then was seen.").or_else(
        By("tenancy/withdraw-grant")
    ),
    "tenancy.grant_denied": Never(Why.ENDED, "Staff ask anew."),
    "tenancy.grant_expired": _CLOCK,
    "tenancy.grant_requested": by("tenancy/revoke-grant"),
    "tenancy.grant_revoked": Never(Why.ENDED, "Staff ask anew."),
    "tenancy.hashed_addresses_kept": _WORK,
    "tenancy.invitation_resent": by("tenancy/revoke-invitation"),
    "tenancy.invitation_revoked": Never(Why.ENDED, "Invite them anew."),
    "tenancy.member_email_claimed": along(*_JOINED),
    "tenancy.member_email_released": along(*_LEFT),
    "tenancy.member_invited": by("tenancy/revoke-invitation"),
    "tenancy.member_joined": By("tenancy/remove-member", says="What they own goes to an owner.").alone(),
    "tenancy.member_removed": Never(
        Why.ENDED, "Invite them anew; what they owned has gone to somebody else."
    ),
    "tenancy.member_role_changed": by("tenancy/change-member-role", role=EVENT_BEFORE),
    "tenancy.ownership_granted": along(
        "tenancy.ownership_relinquished", "tenancy.member_role_changed", "tenancy.tenant_opened"
    ),
    "tenancy.ownership_relinquished": along("tenancy.member_role_changed", *_LEFT),
    "tenancy.plan_changed": By(
        "tenancy/change-plan", {"plan": EVENT_BEFORE, "commands_a_minute": From("/before/commands_a_minute")}
    ).alone(),
    "tenancy.tenant_closed": Never(Why.ENDED),
    "tenancy.tenant_opened": Never(Why.BEGINNING),
    "tenancy.tenant_reinstated": by("tenancy/suspend-tenant", reason=BECAUSE),
    "tenancy.tenant_renamed": by("tenancy/rename-tenant", name=EVENT_BEFORE),
    "tenancy.tenant_suspended": by("tenancy/reinstate-tenant"),
    "tenancy.workspace_archived": Never(Why.ENDED, "Create another workspace."),
    "tenancy.workspace_created": by("tenancy/archive-workspace"),
    "tenancy.workspace_renamed": by("tenancy/rename-workspace", name=EVENT_BEFORE),
    "tenancy.workspace_role_set": by(
        "tenancy/set-workspace-role", workspace_id=From("/event/workspace_id"), role=EVENT_BEFORE
    ),
    "webhooks.endpoint_changed": by(
        "webhooks/change-webhook-endpoint",
        url=From("/earlier/url"),
        events=From("/earlier/events"),
        description=From("/earlier/description"),
    ),
    "webhooks.endpoint_created": by("webhooks/remove-webhook-endpoint"),
    "webhooks.endpoint_paused": by("webhooks/resume-webhook-endpoint"),
    "webhooks.endpoint_removed": Never(Why.ENDED, "Create another endpoint; it has another secret."),
    "webhooks.endpoint_resumed": by("webhooks/pause-webhook-endpoint"),
    "webhooks.replay_asked": Never(
        Why.HANDED_OVER, "What is not sent yet is held by pause-webhook-endpoint."
    ),
    "webhooks.secret_destroyed": _SECRET,
    "webhooks.secret_retired": along("webhooks.secret_rotated"),
    "webhooks.secret_rotated": Never(Why.SECRET, "Rotate it again: rotate-webhook-secret."),
}

_LEDGER: Final[Mapping[str, Way]] = {
    "ledger.checkpoint_contradicted": Never(Why.RECORD_OF_A_MOMENT),
    "ledger.checkpoint_noted": Never(Why.SEALED),
    "ledger.checkpoints_posted": Never(Why.HANDED_OVER, "What is posted proves what stood, and stays."),
    "ledger.posting_changed": By("ledger/change-posting", spread=(From("/earlier/terms"),)).alone(),
    "ledger.posting_failed": _WORK,
    "ledger.posting_started": By("ledger/stop-posting", says="What was posted stays where it is.").alone(),
    "ledger.posting_stopped": Never(Why.ENDED, "Post them anew: post-checkpoints."),
}

_PLATFORM: Final[Mapping[str, Way]] = {
    "access.alert_acknowledged": Never(Why.RECORD_OF_A_MOMENT, "Say more under another question."),
    "access.alert_raised": Never(Why.RECORD_OF_A_MOMENT, "Acknowledge it: acknowledge-alert."),
    "access.alert_rule_set": By(
        "access/set-alert-rule",
        {"rule": From("/event/rule")},
        asks=("enabled", "threshold", "minutes"),
        says="How the rule was before stands in the stream's history.",
    ).alone(),
    "access.own_reads_signed_off": _SIGNED,
    "access.period_signed_off": _SIGNED,
    "access.question_answered": Never(Why.ENDED, "Question the entry anew: question-read."),
    "access.read_questioned": Never(Why.RECORD_OF_A_MOMENT, "Answer it: answer-question."),
    "access.requests_denied": Never(Why.RECORD_OF_A_MOMENT),
    "access.review_cadence_set": By("access/set-review-cadence", {"days": From("/earlier/days")}).or_else(
        By("access/set-review-cadence", asks=("days",))
    ),
    "access.read_recorded": Never(Why.RECORD_OF_A_MOMENT, "What was read was read."),
    "platform.address_freed": along("platform.address_released", "platform.suppression_forgotten"),
    "platform.address_released": Never(Why.ENDED, "Suppress the address anew: suppress-at-platform."),
    "platform.address_reserved": along("platform.address_suppressed"),
    "platform.address_suppressed": by("platform/release-at-platform", reason=BECAUSE),
    "platform.first_key_forgotten": _SECRET,
    "platform.first_key_made": along(*_REGISTERED),
    "platform.release_copied": _WORK,
    "platform.rule_pack_adopted": Never(
        Why.RECORD_OF_A_MOMENT,
        "Decisions are in the words of the pack that they were made by; adopt a later one.",
    ),
    "platform.slug_reserved": along(*_REGISTERED),
    "platform.staff_added": by("platform/remove-staff"),
    "platform.staff_removed": Never(Why.ENDED, "Add them anew."),
    "platform.staff_role_changed": by("platform/change-staff-role", role=EVENT_BEFORE),
    "platform.super_admin_added": along("platform.staff_added", "platform.staff_role_changed"),
    "platform.super_admin_dropped": along("platform.staff_removed", "platform.staff_role_changed"),
    "platform.suppression_copied": _WORK,
    "platform.suppression_forgotten": Never(Why.KEY_DESTROYED),
    "platform.tenant_closed": Never(Why.ENDED, "Register another tenant."),
    "platform.tenant_registered": Never(
        Why.BEGINNING, "Its owner closes it (close-tenant), or staff suspend it (suspend-tenant)."
    ),
}

_KEPT: Final[Mapping[str, Way]] = {
    "platform.log_deleted": Never(Why.KEY_DESTROYED),
    "platform.log_gone": Never(Why.KEY_DESTROYED),
    "platform.log_held": by("platform/release-log", hold_id=From("/event/hold_id"), reason=BECAUSE),
    "platform.log_released": by("platform/hold-log", matter=From("/earlier/matter"), reason=BECAUSE),
    "platform.own_holds_settled": Never(Why.ENDED, "Hold the log for a matter anew: hold-log."),
    "retention.agreement_changed": by("retention/change-agreement", above=EVENT_BEFORE, reason=BECAUSE),
    "retention.disposal_agreed": Never(
        Why.KEY_DESTROYED, "What it destroyed is gone; a hold keeps what is not destroyed yet: place-hold."
    ),
    "retention.disposal_cancelled": Never(Why.ENDED, "Plan it anew: plan-disposal."),
    "retention.disposal_done": Never(Why.KEY_DESTROYED),
    "retention.disposal_planned": by("retention/cancel-disposal"),
    "retention.hold_placed": by("retention/release-hold", hold_id=From("/event/hold_id"), reason=BECAUSE),
    "retention.hold_released": Never(
        Why.ENDED, "Place another hold (place-hold); what was destroyed meanwhile does not come back."
    ),
    "retention.object_destroyed": Never(Why.KEY_DESTROYED),
    "retention.object_expired": _CLOCK,
    "retention.period_changed": by(
        "retention/change-retention", kind=From("/event/kind"), period=EVENT_BEFORE, reason=BECAUSE
    ),
}

WAYS: Final[Mapping[str, Way]] = {**_KEPT, **_LEDGER, **_CAMPAIGNS, **_REPORTS, **_TENANTS, **_PLATFORM}
