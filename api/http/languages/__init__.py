"""The words of the pages for people, one file for each language. A new language is a new file, with the same words.

Which one: `?lang=`, else what the browser says (`Accept-Language`), else English.
"""

from __future__ import annotations

import tomllib
from functools import cache
from html import escape
from importlib.resources import files
from string import Formatter
from typing import TYPE_CHECKING, Final, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

if TYPE_CHECKING:
    from collections.abc import Mapping

FALLBACK: Final = "en"
NAMES: Final = frozenset({"sender", "workspace", "campaign_type", "due"})
"""What may stand in braces in a text; `due` is a day."""
_MOST: Final = 40
"""Languages of a header that are looked at."""


class LanguageUnusable(Exception):
    """A file of words lacks some, has some that nobody shows, or names what is not there. The message says which."""


class Said(BaseModel):
    """A heading, and what follows it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    about: str


class Problems(BaseModel):
    """What went wrong, by the code of its problem document; `other` where there is none of its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    link_unusable: Said
    confirmation_over: Said
    body_invalid: Said
    rate_limited: Said
    unavailable: Said
    other: Said


class Words(BaseModel):
    """All the words of one language."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    language: str
    """The language's name for itself."""
    languages: str
    title: str
    lead: str
    lead_client: str
    """For whom it was sent, where that is a client of the sender's."""
    now: str
    now_nothing: str
    now_everything: str
    now_asked: str
    now_others: str
    """All is stopped, and what they asked of this client later is not."""
    now_objected: str
    now_workspace: str
    now_campaign_type: str
    now_elsewhere: str
    now_rest: str
    done: Said
    stays: Said
    """Of a choice that stops less than is stopped."""
    unchanged: Said
    choose: str
    stop: str
    stop_unnamed: str
    stop_about: str
    only_workspace: str
    also_workspace: str
    only_campaign_type: str
    object: str
    object_about: str
    less_workspace: str
    less_workspace_about: str
    less_campaign_type: str
    less_campaign_type_about: str
    confirm: Said
    confirm_client: Said
    confirm_wording: str
    """What goes before the words that were agreed to, in the sender's language."""
    confirm_button: str
    confirm_goes_on: str
    confirm_ends: str
    """All is stopped, and that ends for this client when they confirm it."""
    confirmed_others: str
    confirmed: Said
    confirmed_client: Said
    confirmed_goes_on: Said
    """They had stopped everything, and that goes on."""
    data: Said
    """The person's page about their data."""
    data_link: str
    data_copy: str
    data_copy_about: str
    data_forget: str
    data_forget_about: str
    data_copy_open: str
    data_forget_open: str
    data_unsold: str
    data_unsold_about: str
    data_unsold_now: str
    data_asked: str
    problems: Problems

    @model_validator(mode="after")
    def _names_what_is_there(self) -> Self:
        for text in texts_of(self):
            named = {name for _, name, _, _ in Formatter().parse(text) if name is not None}
            if not named <= NAMES:
                raise ValueError(f"{text!r} names what is not there; there are {sorted(NAMES)}")
        return self


def texts_of(words: BaseModel) -> list[str]:
    """Every text, those of parts too."""
    found: list[str] = []
    for name in type(words).model_fields:
        value = getattr(words, name)
        found += texts_of(value) if isinstance(value, BaseModel) else [value]
    return found


@cache
def languages() -> Mapping[str, Words]:
    """The words by code of language (BCP 47), the fallback first. Raises `LanguageUnusable`."""
    found: dict[str, Words] = {}
    for file in sorted(files(__name__).iterdir(), key=lambda one: (one.name != f"{FALLBACK}.toml", one.name)):
        if file.name.endswith(".toml"):
            found[file.name.removesuffix(".toml")] = read_words(file.read_text(encoding="utf-8"), file.name)
    return found


def read_words(text: str, name: str) -> Words:
    """The words in a file's text. Raises `LanguageUnusable`, naming the file."""
    try:
        return Words.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise LanguageUnusable(f"{name}: {error}") from error
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise LanguageUnusable(f"{name}: {wrong}") from error


def filled(text: str, **names: str | None) -> str:
    """A text as HTML, with what stands in braces filled in."""
    return escape(text).format(**{name: escape(value or "") for name, value in names.items()})


def language_for(asked: str | None, accepted: str) -> str:
    """The code of the language to answer in: the one asked for, or the first one accepted that we have."""
    known = languages()
    if asked is not None and asked.lower() in known:
        return asked.lower()
    wanted = sorted(_weighed(accepted), key=lambda one: -one[1])
    for tag, weight in wanted:
        primary = tag.partition("-")[0]
        if weight > 0 and (tag in known or primary in known):
            return tag if tag in known else primary
    return FALLBACK


def _weighed(accepted: str) -> list[tuple[str, float]]:
    """Languages with their weights (RFC 9110 section 12.4.2), as they stand; a weight that is none counts as nought."""
    found: list[tuple[str, float]] = []
    for part in accepted.lower().split(",")[:_MOST]:
        tag, *parameters = (one.strip() for one in part.split(";"))
        weight = next((one[2:] for one in parameters if one.startswith("q=")), "1")
        plain = weight.replace(".", "", 1)
        found.append((tag, float(weight) if plain.isascii() and plain.isdigit() else 0.0))
    return found
