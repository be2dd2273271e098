"""What is refused of consents and opt-outs: one class a rule, and what to do next."""

from __future__ import annotations

from domain.kernel.errors import Refusal, RefusalKind


class AddresseeIsErased(Refusal):
    """Nothing new is kept about an erased person. Enter the address anew if they came back."""

    code = "addressee-erased"


class ConsentInTheFuture(Refusal):
    """A consent lies in the past. Correct the date."""

    code = "consent-in-the-future"
    kind = RefusalKind.INVALID
    field = "/occurred_on"


class DateSaysNone(Refusal):
    """1970-01-01, 1900-01-01 and the like many programs write for never: that is no day. Give the day that it was."""

    code = "date-says-none"
    kind = RefusalKind.INVALID
    field = "/occurred_on"


class ConsentWithoutDate(Refusal):
    """Nobody says when the consent was given. Name the moment, or the day where no more than that is known."""

    code = "consent-without-date"
    kind = RefusalKind.INVALID
    field = "/occurred_on"


class ConsentDatedTwice(Refusal):
    """Both the day and the moment of the consent are given. Leave one out; the moment says more."""

    code = "consent-dated-twice"
    kind = RefusalKind.INVALID
    field = "/occurred_at"


class MomentInTheFuture(Refusal):
    """What a person said lies in the past. Correct the moment, or leave it out for now."""

    code = "moment-in-the-future"
    kind = RefusalKind.INVALID
    field = "/occurred_at"


class OptOutInTheFuture(Refusal):
    """An opt-out lies in the past. Correct the moment, or leave it out for now."""

    code = "opt-out-in-the-future"
    kind = RefusalKind.INVALID
    field = "/occurred_at"


class ExplicitConsentNeedsProof(Refusal):
    """Only documented consent lifts an opt-out. Give the wording that the person agreed to."""

    code = "explicit-consent-needs-proof"
    kind = RefusalKind.INVALID
    field = "/wording"


class NotAsked(Refusal):
    """No confirmation waits under this entry. Name the version that its event had in the answer."""

    code = "confirmation-not-asked"
    field = "/request"


class ConfirmedTooLate(Refusal):
    """A confirmation is given within thirty days. Ask the person anew; or name the moment, if they gave it in time."""

    code = "confirmed-too-late"
    field = "/request"


class FirstStepOver(Refusal):
    """A first step waits for thirty days, and this one is over. Ask the person anew.

    If they confirmed it in time, enter that by record-consent, with its moment and the wording they agreed to.
    """

    code = "first-step-over"
    kind = RefusalKind.INVALID
    field = "/occurred_at"


class ConfirmedBeforeAsked(Refusal):
    """Somebody is asked first and confirms then. Correct the moment, or leave it out for now."""

    code = "confirmed-before-asked"
    kind = RefusalKind.INVALID
    field = "/occurred_at"


class WithdrawnBeforeGiven(Refusal):
    """A consent is taken back after it was given. Correct the moment, or name the consent that it is about."""

    code = "withdrawn-before-given"
    kind = RefusalKind.INVALID
    field = "/occurred_at"


class NoSuchConsent(Refusal):
    """No consent that still stands has this entry. Name the version that its event had in the answer."""

    code = "no-such-consent"
    kind = RefusalKind.INVALID
    field = "/entry"


class OnlyThePersonTakesBack(Refusal):
    """An opt-out or a withdrawal counts as the person's word, whoever entered it: else a sender could unsay any stop.

    If it was entered by mistake, nothing goes to them until they ask for it: enter that by record-consent, `explicit`,
    with their wording and its moment. Who unsubscribed from all mail may themselves stop less, on their page.
    """

    code = "only-the-person-takes-back"
    field = "/entry"


class LiftedNotRetracted(Refusal):
    """A suppression that is not the person's word is ended, not retracted. Use lift-suppression with this entry."""

    code = "lifted-not-retracted"
    field = "/entry"


class TooMuchGiven(Refusal):
    """A thousand consents and relations stand of a person and client, or five thousand of the person over all clients.

    Decisions look at each. Retract what is no use.
    """

    code = "too-much-given"
