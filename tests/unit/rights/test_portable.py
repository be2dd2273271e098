"""What is portable of a person, and what is not: of every event that holds something of theirs it is said which."""

from __future__ import annotations

import api.composition  # noqa: F401 - it completes the registries
from application.disclosable import NOT_PROVIDED, PROVIDED
from domain.kernel.events import EVENTS

_OF_THE_PERSON = ("addressee_id", "request_id")
"""Fields that name whose data a stream of theirs holds."""


def test_of_all_that_is_personal_somebody_said_whether_the_person_provided_it() -> None:
    personal = {
        name for name, event in EVENTS.classes.items() if event.personal and event.subject in _OF_THE_PERSON
    }
    assert personal <= PROVIDED | NOT_PROVIDED.keys()
    assert NOT_PROVIDED.keys() <= personal
    assert EVENTS.classes.keys() >= PROVIDED
    assert not PROVIDED & NOT_PROVIDED.keys()


def test_the_first_step_of_a_consent_is_portable_as_its_second_is() -> None:
    assert {"audience.confirmation_requested", "audience.consent_confirmed"} <= PROVIDED
