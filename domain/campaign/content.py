"""What a campaign says: its texts, who sends it, and what its author states of it.

Texts are templates (`domain.campaign.tokens`). For a law an element is in the message where a reader sees it: where its
token is shown in every body, or its very words are.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from domain.audience.email import EmailText
from domain.campaign.reached import reached
from domain.campaign.tokens import OF_THE_SENDER, REFERRER, UNSUBSCRIBE
from domain.kernel.text import LineText, LongText, legible, some_lines
from domain.law import content as law

LONGEST_BODY: Final = 100_000


def _no_token(value: str) -> str:
    if "{{" in value or "{%" in value:
        raise ValueError("tokens stand in the subject and the bodies alone; write this out")
    return value


Line = Annotated[LineText, AfterValidator(_no_token)]
Some = Annotated[LongText, AfterValidator(_no_token)]
BodyText = Annotated[
    str, StringConstraints(min_length=1, max_length=LONGEST_BODY), AfterValidator(some_lines)
]
Language = Annotated[str, Field(pattern=r"^[a-z]{2}$")]
LiveDays = Annotated[int, Field(ge=0, le=3650)]


class CampaignContent(BaseModel):
    """A campaign's message as it is kept. None: nobody said.

    `on_whose_behalf` is the company that sends, or for which it is sent: the token `company.name`. `promotion`: it
    offers something to buy. The rest is what `domain.law.content.Content` asks of a message.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    subject: str
    html: str | None = None
    text: str | None = None
    promotion: bool | None = None

    sender_name: str | None = None
    on_whose_behalf: str | None = None
    postal_address: str | None = None
    contact_phone: str | None = None
    contact_email: str | None = None
    contact_web: str | None = None
    contact_live_days: int | None = None
    unsubscribe_email: str | None = None
    unsubscribe_languages: tuple[str, ...] = ()
    unsubscribe_live_days: int | None = None
    processing_purpose: str | None = None
    data_source: str | None = None
    consent_purpose: str | None = None

    headers_true: bool | None = None
    subject_true: bool | None = None
    subject_related: bool | None = None
    identified_as_advertising: bool | None = None
    free_of_advertising: bool | None = None
    first_message: bool | None = None
    bulk: bool | None = None
    unsubscribe_notice: bool | None = None
    unsubscribe_free: bool | None = None
    unsubscribe_same_means: bool | None = None
    unsubscribe_one_step: bool | None = None
    objection_told: bool | None = None
    consent_separate: bool | None = None
    withdrawal_told: bool | None = None

    @property
    def bodies(self) -> dict[str, str]:
        """The bodies there are, by their field."""
        return {name: body for name in ("html", "text") if (body := getattr(self, name)) is not None}


class GivenContent(CampaignContent):
    """A campaign's message as it is given: at least one body, and texts of a stated length."""

    subject: LineText
    html: BodyText | None = None
    text: BodyText | None = None
    sender_name: Line | None = None
    on_whose_behalf: Line | None = None
    postal_address: Some | None = None
    contact_phone: Line | None = None
    contact_email: EmailText | None = None
    contact_web: Line | None = None
    contact_live_days: LiveDays | None = None
    unsubscribe_email: EmailText | None = None
    unsubscribe_languages: Annotated[tuple[Language, ...], Field(max_length=50)] = ()
    unsubscribe_live_days: LiveDays | None = None
    processing_purpose: Some | None = None
    data_source: Some | None = None
    consent_purpose: Some | None = None

    @model_validator(mode="after")
    def _has_a_body(self) -> Self:
        if self.html is None and self.text is None:
            raise ValueError("a message has a body; write html, text or both")
        return self

    def kept(self) -> CampaignContent:
        """The same as it is kept: languages once each, in order."""
        told = self.model_dump()
        return CampaignContent.model_validate(
            {**told, "unsubscribe_languages": tuple(sorted(set(self.unsubscribe_languages)))}
        )


def as_law_sees(content: CampaignContent, shown: frozenset[str]) -> law.Content:
    """The message as a law looks at it; `shown`: the tokens that every body shows to everybody.

    Letters that a reader sees are looked at, and no more. Words count wherever they stand, so a postal address of one
    letter is found anywhere; ways to write or call are whole, or where a link leads. Nobody looks at whether the
    message's From has the sender's name. An approver does.
    """
    seen = [reached(body, html=name == "html") for name, body in content.bodies.items()]

    def in_the_message(field: str) -> str | None:
        words: str | None = getattr(content, field)
        if words is None or not legible(words):
            return None
        token = next(name for name, stands_for in OF_THE_SENDER.items() if stands_for == field)
        return words if token in shown or all(body.tells(field, words) for body in seen) else None

    told: dict[str, Any] = {
        **content.model_dump(include=set(_STATED)),
        **{field: in_the_message(field) for field in _WRITTEN},
    }
    return law.Content(
        **told,
        subject=content.subject,
        # The sender's name stands in the message's From.
        sender_name=content.sender_name,
        unsubscribe_link=f"{{{{ {UNSUBSCRIBE} }}}}" if UNSUBSCRIBE in shown else None,
        unsubscribe_languages=frozenset(content.unsubscribe_languages),
        referrer_name=f"{{{{ {REFERRER} }}}}" if REFERRER in shown else None,
    )


def declared(content: dict[str, Any] | CampaignContent | None) -> dict[str, bool | int]:
    """What the author alone states of the message, one way or the other: nothing in the message shows it."""
    told = content.model_dump() if isinstance(content, CampaignContent) else content or {}
    return {name: told[name] for name in _STATED if told.get(name) is not None}


_WRITTEN: Final = tuple(field for field in OF_THE_SENDER.values() if field != "sender_name")
"""What has to be in the bodies."""
_STATED: Final = (
    "contact_live_days",
    "unsubscribe_live_days",
    "headers_true",
    "subject_true",
    "subject_related",
    "identified_as_advertising",
    "free_of_advertising",
    "first_message",
    "bulk",
    "unsubscribe_notice",
    "unsubscribe_free",
    "unsubscribe_same_means",
    "unsubscribe_one_step",
    "objection_told",
    "consent_separate",
    "withdrawal_told",
)
"""What the author states of the message, and an approver answers for."""
