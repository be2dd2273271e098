"""What is refused of campaigns: one class a rule, and what to do next."""

from __future__ import annotations

from domain.kernel.errors import Refusal, RefusalKind


class CampaignIdTaken(Refusal):
    """A campaign's id is used once. Take a new id."""

    code = "campaign-id-taken"


class CampaignIsArchived(Refusal):
    """An archived campaign does not change any more. Make a new one."""

    code = "campaign-archived"


class NobodyNamed(Refusal):
    """Campaigns are written and judged by somebody, so that nobody approves their own. Use a key for a member."""

    code = "nobody-named"
    kind = RefusalKind.FORBIDDEN


class NoContentYet(Refusal):
    """A yes is asked for to what a campaign says. Write its content first."""

    code = "no-content-yet"


class NoRecipientsYet(Refusal):
    """A yes is asked for to whom a campaign goes. Name at least one list."""

    code = "no-recipients-yet"


class NotADraft(Refusal):
    """A yes is asked for once. Wait for the answer, withdraw the request, or go on with the approval."""

    code = "campaign-not-a-draft"


class NotInReview(Refusal):
    """An answer is to a request that is open. Have one made first."""

    code = "campaign-not-in-review"


class NothingToWithdraw(Refusal):
    """Only a request for approval, or an approval, is taken back. This campaign is a draft."""

    code = "nothing-to-withdraw"


class ReviewTimedOut(Refusal):
    """No answer within 48 hours is a no, and the 48 hours are over. Have the approval requested anew."""

    code = "review-timed-out"


class ReviewNotOver(Refusal):
    """A review ends without an answer 48 hours after the request, and not before. Try again then."""

    code = "review-not-over"


class OtherContent(Refusal):
    """An answer is to the content that was read. Read the campaign again and name the hash that stands there."""

    code = "other-content"
    field = "/content_hash"


class AuthorCannotApprove(Refusal):
    """Whoever wrote at a campaign does not approve it. Have somebody else do it."""

    code = "author-cannot-approve"
    kind = RefusalKind.FORBIDDEN


class OneYesEach(Refusal):
    """Where two people's yes is wanted, they are two. Have somebody else say the other."""

    code = "one-yes-each"
    kind = RefusalKind.FORBIDDEN


class PartNotWanted(Refusal):
    """Only those say yes whose yes is wanted, each once. This one is not, or was said."""

    code = "part-not-wanted"


class MoreRecipients(Refusal):
    """Lists grew since the request, so that more people have to say yes. Withdraw it and ask again."""

    code = "more-recipients"


class IsBulk(Refusal):
    """Who sends to more than 100 people sends in bulk. Say `bulk` = true, or leave it out, and put in what is missing.

    Somebody on two lists counts twice.
    """

    code = "is-bulk"
    field = "/content/bulk"


class ListNotInWorkspace(Refusal):
    """A campaign goes to lists of its own workspace. Leave the others out."""

    code = "list-not-in-workspace"
    kind = RefusalKind.INVALID
    field = "/list_ids"
