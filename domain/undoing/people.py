"""How what happened to people is undone: contacts, lists, imports, consents, their requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from domain.undoing.ways import BECAUSE, EVENT_BEFORE, VERSION, By, From, Never, Way, Why, along, by

_RETRACTED: Final = by("audience/retract-entry", entry=VERSION, reason=BECAUSE)
_CREATED: Final = "audience.contact_created"
_OF_CONTACT: Final = (_CREATED, "audience.contact_updated", "audience.contact_removed")
_ERASED: Final = ("audience.addressee_erased", "audience.contact_erased")
_IMPORT_STEP: Final = Never(Why.WORK_DONE, "Roll the import back: what it changed is then taken back.")
_OWN_WORD: Final = Never(
    Why.PERSONS_WORD, "Enter a consent that they gave since, with its wording: that ends it."
)
_RECORD: Final = Never(Why.RECORD_OF_A_MOMENT)
_CLOCK: Final = Never(Why.BY_THE_CLOCK)
_TOLD: Final = Never(Why.HANDED_OVER, "Tell the person anew what is right.")
_KEY: Final = Never(Why.KEY_DESTROYED)

_CONTACTS: Final[Mapping[str, Way]] = {
    "audience.address_hash_listed": Never(
        Why.PERSONS_WORD, "An address that says yes, provably, is written to all the same."
    ),
    "audience.addressee_described": By(
        "audience/describe-addressee",
        {"workspace_id": From("/event/workspace_id")},
        asks=("country", "subscriber_type"),
        says="What was settled before it is in the stream's history; null takes it back.",
    ).alone(unless=_OF_CONTACT),
    "audience.addressee_registered": along(_CREATED, "audience.contact_updated"),
    "audience.addressee_succeeded": along("audience.email_claimed", _CREATED),
    "audience.contact_created": By(
        "audience/remove-contact", says="The addressee stays, with consents and opt-outs."
    ).alone(),
    "audience.contact_erased": _KEY,
    "audience.contact_removed": Never(
        Why.ENDED, "Create the contact anew; it has another id, and the person's consents count again."
    ),
    "audience.contact_updated": By(
        "audience/update-contact",
        spread=(EVENT_BEFORE, From("/back/segment_before/segment_after")),
    ).alone(),
    "audience.description_taken_back": By(
        "audience/describe-addressee",
        {"workspace_id": From("/event/workspace_id")},
        asks=("country", "subscriber_type"),
    ).alone(unless=_OF_CONTACT),
    "audience.email_barred": along("platform.address_suppressed", "platform.suppression_copied"),
    "audience.email_claimed": along(_CREATED),
    "audience.email_forgotten": along(*_ERASED),
    "audience.email_known": along("audience.addressee_registered", _CREATED),
    "audience.email_released": along("audience.contact_removed", *_ERASED),
    "audience.email_suppressed": along("audience.addressee_suppressed", "audience.opted_out"),
    "audience.email_unbarred": along("platform.address_released", "platform.release_copied"),
    "audience.list_archived": Never(Why.ENDED, "Create another list, with the same members."),
    "audience.list_created": by("audience/archive-list"),
    "audience.list_members_added": by("audience/remove-from-list", contact_ids=From("/event/contact_ids")),
    "audience.list_members_removed": by("audience/add-to-list", contact_ids=From("/event/contact_ids")),
    "audience.list_renamed": by("audience/rename-list", name=EVENT_BEFORE),
}

_IMPORTS: Final[Mapping[str, Way]] = {
    "audience.import_cancelled": Never(Why.ENDED, "Upload the file anew."),
    "audience.import_chunk_applied": by("audience/roll-back-import"),
    "audience.import_completed": By(
        "audience/roll-back-import", says="Opt-outs and consents that the file told stay."
    ).alone(),
    "audience.import_expired": _CLOCK,
    "audience.import_failed": Never(Why.WORK_DONE, "Upload the file anew, as the remedy says."),
    "audience.import_files_destroyed": Never(Why.KEY_DESTROYED, "Upload the file anew."),
    "audience.import_paused": by("audience/resume-import"),
    "audience.import_ready": _IMPORT_STEP,
    "audience.import_registered": by("audience/cancel-import"),
    "audience.import_resumed": by("audience/cancel-import"),
    "audience.import_rollback_chunk_applied": Never(Why.WORK_DONE, "Upload the file anew."),
    "audience.import_rollback_requested": Never(Why.ENDED, "Upload the file anew once it is rolled back."),
    "audience.import_rolled_back": Never(Why.ENDED, "Upload the file anew."),
    "audience.import_started": By(
        "audience/cancel-import", says="What was imported until then is taken back by roll-back-import."
    ).alone(),
}

_WORDS_GIVEN: Final[Mapping[str, Way]] = {
    "audience.addressee_erased": _KEY,
    "audience.addressee_suppressed": by("audience/lift-suppression", entry=VERSION, reason=BECAUSE),
    "audience.confirmation_requested": _RETRACTED,
    "audience.consent_confirmed": _RETRACTED,
    "audience.consent_recorded": _RETRACTED,
    "audience.consent_withdrawn": _OWN_WORD,
    "audience.entry_retracted": Never(Why.ENDED, "Enter anew what was retracted, with its proof."),
    "audience.erasure_certified": Never(Why.SEALED),
    "audience.erasure_taken_in": Never(Why.WORK_DONE),
    "audience.evidence_expired": _CLOCK,
    "audience.evidence_key_destroyed": _KEY,
    "audience.legal_hold_placed": by("audience/release-legal-hold", entry=VERSION, reason=BECAUSE),
    "audience.legal_hold_released": By(
        "audience/place-legal-hold",
        {"reason": BECAUSE},
        says="What expired meanwhile does not come back.",
    ).alone(),
    "audience.listed_undated": Never(Why.PERSONS_WORD, "A consent that is proven, and is later, ends it."),
    "audience.message_dispatched": Never(
        Why.HANDED_OVER,
        "Suppress the address, so that no other message follows; mail that is sent stays sent.",
    ),
    "audience.messages_authorised": _RECORD,
    "audience.opt_out_lifted": along("audience.consent_recorded", "audience.consent_confirmed"),
    "audience.opt_out_narrowed": _OWN_WORD,
    "audience.opt_out_told_late": _OWN_WORD,
    "audience.opted_out": _OWN_WORD,
    "audience.permission_decided": Never(
        Why.RECORD_OF_A_MOMENT, "An allow ends by itself within 10 minutes, and at the next no of the person."
    ),
    "audience.permission_lapsed": _CLOCK,
    "audience.permission_lapsing": _CLOCK,
    "audience.profile_key_destroyed": _KEY,
    "audience.relation_ended": Never(Why.ENDED, "Enter the relation anew, with its day."),
    "audience.relation_recorded": _RETRACTED,
    "audience.sale_opted_out": _OWN_WORD,
    "audience.subject_request_noted": along("rights.request_received", "rights.subject_named"),
    "audience.suppression_lifted": By(
        "audience/suppress-addressee",
        {"reason": BECAUSE},
        asks=("kind",),
        says="The kind stands in the event that was lifted; narrow it as that was.",
    ).alone(),
}

_REQUESTS: Final[Mapping[str, Way]] = {
    "rights.activity_changed": By(
        "rights/change-activity",
        spread=(EVENT_BEFORE,),
        says="Contacts are named anew where they changed.",
    ).alone(),
    "rights.activity_ended": Never(Why.ENDED, "Enter the activity anew."),
    "rights.activity_entered": by("rights/end-activity"),
    "rights.activity_reviewed": _RECORD,
    "rights.data_disclosed": _TOLD,
    "rights.data_rectified": Never(
        Why.RECORD_OF_A_MOMENT, "The contacts' own events say what was before: undo those."
    ),
    "rights.deadline_approaching": _CLOCK,
    "rights.deadline_missed": _CLOCK,
    "rights.details_destroyed": _KEY,
    "rights.disclosure_made": _TOLD,
    "rights.erasure_begun": _KEY,
    "rights.erasure_confirmed": _KEY,
    "rights.identity_asked": _TOLD,
    "rights.identity_checked": Never(
        Why.RECORD_OF_A_MOMENT, "Enter another check: the last one counts, until the request is answered."
    ),
    "rights.processing_restricted": By("rights/lift-restriction", asks=("told_at",)).alone(),
    "rights.request_acknowledged": _TOLD,
    "rights.request_completed": Never(Why.ENDED, "Receive another request."),
    "rights.request_extended": _TOLD,
    "rights.request_received": by("rights/withdraw-request"),
    "rights.request_refused": Never(Why.ENDED, "Receive another request, and answer that."),
    "rights.request_withdrawn": Never(Why.ENDED, "Receive another request."),
    "rights.restriction_lifted": Never(Why.ENDED, "Receive another request, to restrict processing again."),
    "rights.subject_named": Never(
        Why.RECORD_OF_A_MOMENT, "Withdraw the request and receive it anew, with whose data it is about."
    ),
}

WAYS: Final[Mapping[str, Way]] = {**_CONTACTS, **_IMPORTS, **_WORDS_GIVEN, **_REQUESTS}
