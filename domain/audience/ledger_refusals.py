"""Why something is not entered about an addressee, besides what they said themselves: one refusal for each rule."""

from __future__ import annotations

from domain.kernel.errors import Refusal, RefusalKind


class RelationInTheFuture(Refusal):
    """What was between sender and person lies in the past. Correct the date."""

    code = "relation-in-the-future"
    kind = RefusalKind.INVALID
    field = "/occurred_on"


class NotOfThisRelation(Refusal):
    """Only an address that was published or disclosed stands beside a refusal. Leave it out, or correct the kind."""

    code = "refused-of-no-address"
    kind = RefusalKind.INVALID
    field = "/refused"


class NotGivenInWriting(Refusal):
    """Only an address that was disclosed was given in writing, or not. Leave it out, or correct the kind."""

    code = "in-writing-of-no-disclosure"
    kind = RefusalKind.INVALID
    field = "/in_writing"


class ClientNotNamed(Refusal):
    """The tenant sends for clients, and what one was given counts for no other. Name the workspace of that client."""

    code = "client-not-named"
    kind = RefusalKind.INVALID
    field = "/workspace_id"


class OfAllClients(Refusal):
    """Of one client is told whether the person could object and was told. Leave out the workspace for all the rest."""

    code = "of-all-clients"
    kind = RefusalKind.INVALID
    field = "/workspace_id"


class EndsBeforeItBegins(Refusal):
    """A relation ends on the day it began, or later. Correct one of the dates."""

    code = "ends-before-it-begins"
    kind = RefusalKind.INVALID
    field = "/ended_on"


class IsOfOneDay(Refusal):
    """Only contracts, subscriptions, loans and memberships go on and end; all else is of one day. Leave the end out."""

    code = "relation-of-one-day"
    kind = RefusalKind.INVALID
    field = "/ended_on"


class NoSuchEntry(Refusal):
    """No entry of this kind stands under this number. Name the version of its event in the answer."""

    code = "no-such-entry"
    kind = RefusalKind.INVALID
    field = "/entry"


class LiftNeedsConsent(Refusal):
    """A bounce is lifted once the person consented since, with proof. Enter that with record-consent, then lift it."""

    code = "lift-needs-consent"
    field = "/entry"


class OnlyThePersonLifts(Refusal):
    """An opt-out, an objection or a complaint is the person's word. It ends by their later consent, with proof."""

    code = "only-the-person-lifts"
    field = "/entry"


class LiftedByItsRequest(Refusal):
    """A restriction ends by the request it came of, once the person was told. Use lift-restriction there."""

    code = "lifted-by-its-request"
    field = "/entry"


class ProcessingIsRestricted(Refusal):
    """The person had the use of their data restricted: they are kept, and not changed, and they are asked nothing.

    Enter what they say themselves, or do what they ask for by another request; else wait until it is lifted.
    """

    code = "processing-restricted"


class OnlyThePlatformLifts(Refusal):
    """The platform suppresses this address, in every tenant. Its staff end that; write to its support."""

    code = "only-the-platform-lifts"
    field = "/entry"


class OneScope(Refusal):
    """A suppression is of a workspace or of a kind of campaign, not of both. Leave one out, or enter two."""

    code = "one-scope"
    kind = RefusalKind.INVALID
    field = "/campaign_type"
