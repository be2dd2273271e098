"""How insights are said, by language. A template's placeholders are the values that its sentence carries.

Wordings avoid what depends on the gender of a figure's name, which comes from elsewhere. Another language is another
entry in each table here; a test holds that none lacks a wording or a placeholder.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from projections.directions.series import Pace


class Language(StrEnum):
    """Languages there are wordings for."""

    EN = "en"
    DE = "de"
    FR = "fr"


class Template(StrEnum):
    """What is said. Each stands for a claim that certain figures carry; `insights` says which."""

    NOT_ENOUGH_DATA = "not_enough_data"
    STEADY = "steady"
    SINCE = "since"
    OVER = "over"
    CHANGED = "changed"
    CALM_SINCE = "calm_since"
    EXPLAINS = "explains"
    EXPLAINS_MORE = "explains_more"
    OUTSIDE = "outside"
    AHEAD = "ahead"


class Course(StrEnum):
    """A direction together with which way the value moves: "declining" alone says nothing of a rate of bounces."""

    IMPROVING_UP = "improving_up"
    IMPROVING_DOWN = "improving_down"
    DECLINING_DOWN = "declining_down"
    DECLINING_UP = "declining_up"
    RISING = "rising"
    FALLING = "falling"


TEMPLATES: Final[dict[Language, dict[Template, str]]] = {
    Language.EN: {
        Template.NOT_ENOUGH_DATA: "{figure}: not enough data to tell a direction ({n} of at least {needed} {periods}).",
        Template.STEADY: "{figure} shows no direction over {n} {periods}.",
        Template.SINCE: "{figure} {course} since {since}, about {slope} {each}{interval}.",
        Template.OVER: "{figure} {course} over the {n} {periods} shown, about {slope} {each}{interval}.",
        Template.CHANGED: "Last change of course: {since} (a step of about {step}).",
        Template.CALM_SINCE: "No direction is seen since.",
        Template.EXPLAINS: "{part} explains {share} of the change from {before} to {after}.",
        Template.EXPLAINS_MORE: (
            "{part} explains more than the whole change from {before} to {after}; the rest works against it."
        ),
        Template.OUTSIDE: "The last value lies outside what its own noise explains ({low} to {high}).",
        Template.AHEAD: "Expected for {when}, with a chance of {chance}: {low} to {high}.",
    },
    Language.DE: {
        Template.NOT_ENOUGH_DATA: (
            "{figure}: zu wenig Daten für eine Richtung (vorhanden: {n} {periods}, nötig: {needed})."
        ),
        Template.STEADY: "{figure}: keine Richtung erkennbar über {n} {periods}.",
        Template.SINCE: "{figure}: {course} seit {since}, etwa {slope} {each}{interval}.",
        Template.OVER: "{figure}: {course} über {n} {periods}, etwa {slope} {each}{interval}.",
        Template.CHANGED: "Letzte Wende: {since} (ein Sprung von etwa {step}).",
        Template.CALM_SINCE: "Seither ist keine Richtung erkennbar.",
        Template.EXPLAINS: "{part} erklärt {share} der Veränderung von {before} auf {after}.",
        Template.EXPLAINS_MORE: (
            "{part} erklärt mehr als die ganze Veränderung von {before} auf {after}; das Übrige wirkt ihr entgegen."
        ),
        Template.OUTSIDE: (
            "Der letzte Wert liegt außerhalb dessen, was sein eigenes Rauschen erklärt ({low} bis {high})."
        ),
        Template.AHEAD: "Zu erwarten für {when}, mit {chance} Wahrscheinlichkeit: {low} bis {high}.",
    },
    Language.FR: {
        Template.NOT_ENOUGH_DATA: (
            "{figure} : pas assez de données pour une tendance ({n} {periods}, il en faut {needed})."
        ),
        Template.STEADY: "{figure} : aucune tendance visible sur {n} {periods}.",
        Template.SINCE: "{figure} : {course} depuis {since}, environ {slope} {each}{interval}.",
        Template.OVER: "{figure} : {course} sur {n} {periods}, environ {slope} {each}{interval}.",
        Template.CHANGED: "Dernier changement de cap : {since} (un saut d'environ {step}).",
        Template.CALM_SINCE: "Depuis, aucune tendance n'est visible.",
        Template.EXPLAINS: "{part} explique {share} de la variation de {before} à {after}.",
        Template.EXPLAINS_MORE: (
            "{part} explique plus que toute la variation de {before} à {after} ; le reste agit en sens contraire."
        ),
        Template.OUTSIDE: "La dernière valeur sort de ce que son propre bruit explique ({low} à {high}).",
        Template.AHEAD: "À attendre pour {when}, avec une probabilité de {chance} : {low} à {high}.",
    },
}

COURSES: Final[dict[Language, dict[Course, str]]] = {
    Language.EN: {
        Course.IMPROVING_UP: "has been improving",
        Course.IMPROVING_DOWN: "has been coming down, which is better,",
        Course.DECLINING_DOWN: "has been declining",
        Course.DECLINING_UP: "has been going up, which is worse,",
        Course.RISING: "has been rising",
        Course.FALLING: "has been falling",
    },
    Language.DE: {
        Course.IMPROVING_UP: "Verbesserung",
        Course.IMPROVING_DOWN: "Rückgang (eine Verbesserung)",
        Course.DECLINING_DOWN: "Verschlechterung",
        Course.DECLINING_UP: "Anstieg (eine Verschlechterung)",
        Course.RISING: "Anstieg",
        Course.FALLING: "Rückgang",
    },
    Language.FR: {
        Course.IMPROVING_UP: "amélioration",
        Course.IMPROVING_DOWN: "baisse (une amélioration)",
        Course.DECLINING_DOWN: "détérioration",
        Course.DECLINING_UP: "hausse (une détérioration)",
        Course.RISING: "hausse",
        Course.FALLING: "baisse",
    },
}

EACH: Final[dict[Language, dict[Pace, str]]] = {
    Language.EN: {Pace.DAY: "a day", Pace.WEEK: "a week", Pace.MONTH: "a month"},
    Language.DE: {Pace.DAY: "je Tag", Pace.WEEK: "je Woche", Pace.MONTH: "je Monat"},
    Language.FR: {Pace.DAY: "par jour", Pace.WEEK: "par semaine", Pace.MONTH: "par mois"},
}

PERIODS: Final[dict[Language, dict[Pace, tuple[str, str]]]] = {
    Language.EN: {
        Pace.DAY: ("day", "days"),
        Pace.WEEK: ("week", "weeks"),
        Pace.MONTH: ("month", "months"),
    },
    Language.DE: {
        Pace.DAY: ("Tag", "Tage"),
        Pace.WEEK: ("Woche", "Wochen"),
        Pace.MONTH: ("Monat", "Monate"),
    },
    Language.FR: {
        Pace.DAY: ("jour", "jours"),
        Pace.WEEK: ("semaine", "semaines"),
        Pace.MONTH: ("mois", "mois"),
    },
}

WEEK: Final = {
    Language.EN: ("week {week}", "week {week} of {year}"),
    Language.DE: ("KW {week}", "KW {week}/{year}"),
    Language.FR: ("la semaine {week}", "la semaine {week} de {year}"),
}
"""A week by its ISO number, within the year of the last one and in another."""

INTERVAL: Final = {
    Language.EN: " ({level}: {low} to {high})",
    Language.DE: " ({level}: {low} bis {high})",
    Language.FR: " ({level} : {low} à {high})",
}

POINTS: Final = {
    Language.EN: ("point", "points"),
    Language.DE: ("Punkt", "Punkte"),
    Language.FR: ("point", "points"),
}
"""Differences of rates: percentage points."""
