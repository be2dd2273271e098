"""A campaign held against the laws: of its sender, and of wherever its recipients may be."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from domain.campaign.content import as_law_sees
from domain.campaign.events import CampaignChecked, MissingElement
from domain.campaign.tokens import REQUIRED
from domain.kernel.errors import Refusal, RefusalKind
from domain.law.content import Element, missing_elements
from domain.law.facts import Purpose
from domain.law.packs import load_packs
from domain.law.periods import latest_day
from domain.law.statements import Confidence

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from domain.campaign.content import CampaignContent
    from domain.campaign.events import CampaignPlan
    from domain.campaign.state import Campaign
    from domain.law.content import Missing
    from domain.law.pack import Pack


class NoLawLoaded(Refusal):
    """Of a country without a loaded law nobody knows what a message must hold. Leave it out, or have its pack added."""

    code = "no-law-loaded"
    kind = RefusalKind.INVALID
    field = "/countries"


class SenderLawUnknown(Refusal):
    """The law of the tenant's country holds for all that it sends. It has to have a country whose law is loaded."""

    code = "sender-law-unknown"


class ElementsMissing(Refusal):
    """A message holds what every law wants that may apply. Put in what `missing` names, then ask again."""

    code = "elements-missing"


class TokensMissing(Refusal):
    """Every body shows `unsubscribe_url`, `company.name` and `company.address` to everybody. Put in what is missing.

    The link is the token alone: in HTML the whole `href` of an `a` with something to click on, in text between blanks.
    """

    code = "tokens-missing"


def lawful_countries(countries: Iterable[str], packs: Sequence[Pack] | None = None) -> tuple[str, ...]:
    """The countries, once each and in order; each has a law that is loaded."""
    told = sorted(set(countries))
    if strange := [one for one in told if not _has_law(one, load_packs() if packs is None else packs)]:
        raise NoLawLoaded(f"No law is loaded for {', '.join(strange)}. {NoLawLoaded.rule()}")
    return tuple(told)


def check(
    state: Campaign, sender_country: str | None, at: datetime, packs: Sequence[Pack] | None = None
) -> CampaignChecked | None:
    """What its content lacks, as it is recorded; None where it has no content yet.

    Where the campaign names no country its recipients may be anywhere: every law that is loaded counts. Nobody's
    consent is taken for granted: whether a person gave one is decided of each message.
    """
    if state.content is None:
        return None
    loaded = load_packs() if packs is None else packs
    wide = state.plan.countries or [place for pack in loaded for place in pack.countries]
    places = {*wide, sender_country} - {None}
    countries = tuple(sorted(str(place) for place in places))
    missing = missing_elements(
        as_law_sees(state.content, state.shown),
        Purpose(state.plan.purpose),
        countries,
        loaded,
        at,
        consented=False,
    )
    return CampaignChecked(
        campaign_id=state.campaign_id,
        workspace_id=state.workspace_id,
        content_hash=state.content_hash,
        countries=countries,
        sender_country=sender_country,
        missing=(*(_told(one) for one in missing), *_by_policy(state.plan, state.content)),
        missing_tokens=tuple(token for token in REQUIRED if token not in state.shown),
        packs={pack.law: pack.version for pack in loaded if any(pack.covers(place) for place in countries)},
        checked_at=at,
    )


def lacking_at_first(
    state: Campaign, countries: Iterable[str], at: datetime, packs: Sequence[Pack] | None = None
) -> tuple[Missing, ...]:
    """What it lacks for somebody who was never written to, where its author says that all of its people were."""
    if state.content is None or state.content.first_message is not False:
        return ()
    loaded = load_packs() if packs is None else packs
    said = as_law_sees(state.content, state.shown)
    purpose, places = Purpose(state.plan.purpose), tuple(countries)
    as_said, at_first = (
        missing_elements(one, purpose, places, loaded, at, consented=False)
        for one in (said, replace(said, first_message=None))
    )
    return tuple(one for one in at_first if one not in as_said)


def _told(one: Missing) -> MissingElement:
    return MissingElement(
        law=one.law,
        requirement=one.requirement,
        element=one.element,
        about=one.about,
        cites=one.cites,
        confidence=one.confidence,
        remedy=one.remedy,
    )


def _by_policy(plan: CampaignPlan, content: CampaignContent) -> tuple[MissingElement, ...]:
    """What no law says, and we do: mail that goes also to who said stop is said to offer nothing."""
    if plan.purpose != Purpose.TRANSACTIONAL or content.promotion is False:
        return ()
    offers = MissingElement(
        law="policy",
        requirement="policy.transactional",
        element=Element.NO_ADVERTISING,
        about="Transactional mail goes also to who opted out, so it offers nothing to buy.",
        cites="our policy",
        confidence=Confidence.NOTHING_FOUND,
        remedy="Say promotion = false if it offers nothing; else plan the campaign as marketing.",
    )
    return (offers,)


def says_the_same(one: CampaignChecked, other: CampaignChecked | None) -> bool:
    """Whether two checks differ in nothing but their moment."""
    return other is not None and one.model_copy(update={"checked_at": other.checked_at}) == other


def lawful(state: Campaign, checked: CampaignChecked, packs: Sequence[Pack] | None = None) -> None:
    """Nothing is missing, by any law that may apply. `checked`: what `check` found of the campaign."""
    loaded = load_packs() if packs is None else packs
    if checked.sender_country is None or not _has_law(checked.sender_country, loaded):
        raise SenderLawUnknown
    if checked.missing_tokens:
        words = f"Not shown by every body: {', '.join(checked.missing_tokens)}."
        raise TokensMissing(f"{words} {TokensMissing.rule()}", missing=list(checked.missing_tokens))
    if checked.missing:
        words = "; ".join(f"{one.element} ({one.cites}): {one.remedy}" for one in checked.missing)
        raise ElementsMissing(
            f"{ElementsMissing.rule()} {words}{_apart(state, checked, loaded)}",
            missing=[one.model_dump() for one in checked.missing],
        )


def _apart(state: Campaign, checked: CampaignChecked, packs: Sequence[Pack]) -> str:
    """What to do where a label is missing and no subject can begin with all that are wanted; else nothing."""
    labels = {
        pack.law: one.text
        for pack in packs
        if state.content is not None and any(pack.covers(place) for place in checked.countries)
        for one in pack.content
        if one.element is Element.ADVERTISEMENT_LABEL
        and one.text is not None
        and one.stands(*[latest_day(checked.checked_at, pack.zones)] * 2)
        and one.applies(as_law_sees(state.content, state.shown), Purpose(state.plan.purpose), consented=False)
    }
    longest = max(labels.values(), key=len, default="")
    missing = any(one.element == Element.ADVERTISEMENT_LABEL for one in checked.missing)
    if not missing or all(longest.startswith(text) for text in labels.values()):
        return ""
    which = " and ".join(f"'{text}' ({law})" for law, text in sorted(labels.items()))
    return (
        f" No subject begins with {which} at once: name the countries that the campaign goes to in its plan, and "
        "make a campaign of its own for each of these laws."
    )


def _has_law(country: str, packs: Sequence[Pack]) -> bool:
    return any(pack.covers(country) for pack in packs)
