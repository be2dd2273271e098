"""Fields of what undoes an event: from the event, from what was before, from earlier events; and what is lacking."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import domain.registered
from application.undoing.filling import Filled, Lacking, Told, filled
from domain.kernel.personal import ERASED, SEALED
from domain.undoing.table import WAYS
from domain.undoing.ways import Undone

KEY = "0198c0de-0000-7000-8000-000000000001"
FIRST, SECOND = "0198c0de-0000-7000-8000-000000000002", "0198c0de-0000-7000-8000-000000000003"


def what_undoes(name: str, event: dict[str, Any], **told: Any) -> tuple[Filled, ...]:
    assert domain.registered.MODULES
    way = WAYS[name]
    assert isinstance(way, Undone)
    return filled(way, Told(7, name, KEY, told.pop("version", 2), event, **told))


def only(found: tuple[Filled, ...]) -> Filled:
    (one,) = found
    return one


def test_a_field_comes_from_the_event_or_from_the_state_before_it() -> None:
    one = only(
        what_undoes(
            "tenancy.plan_changed",
            {"before": "starter", "after": "business"},
            before={"commands_a_minute": 600},
        )
    )
    assert (one.kind.slug, one.target, one.of) == ("change-plan", UUID(KEY), 7)
    assert one.body == {"plan": "starter", "commands_a_minute": 600}


def test_the_latest_earlier_event_that_has_the_field_tells_it() -> None:
    earlier = ({"title": "Two"}, {"sql": "SELECT 2"}, {"sql": "SELECT 1", "title": "One"})
    assert only(what_undoes("reporting.query_changed", {"sql": "SELECT 3"}, earlier=earlier)).body == {
        "sql": "SELECT 2"
    }


def test_where_there_was_nothing_before_another_command_does_it_or_none() -> None:
    event = {"metric": "mrr", "period": None, "segment": None}
    assert only(what_undoes("finance.target_set", event, version=1)).kind.slug == "withdraw-target"
    known = {"comparison": "at_least", "value": "1", "value_to": None, "unit": "USD", "source": None}
    again = only(what_undoes("finance.target_set", event, earlier=(known,)))
    assert (again.kind.slug, again.body) == ("set-target", {**event, **known})
    assert what_undoes("reporting.query_changed", {"sql": "SELECT 3"}) == ()


def test_only_what_changed_is_set_back() -> None:
    event = {
        "before": {"title": "Roaster"},
        "after": {"title": "Head roaster"},
        "segment_before": {"country": "DE", "subscriber_type": "b2b", "source": "api"},
        "segment_after": {"country": "FR", "subscriber_type": "b2b", "source": "api"},
    }
    one = only(what_undoes("audience.contact_updated", event))
    assert (one.body, one.lacks) == ({"title": "Roaster", "country": "DE"}, ())


def test_what_is_sealed_or_erased_is_lacking_and_never_in_a_body() -> None:
    rest = {"segment_before": {"country": "DE"}, "segment_after": {"country": "DE"}}
    for mark, why in ((SEALED, "sealed"), (ERASED, "erased")):
        one = only(what_undoes("audience.contact_updated", {"before": mark, "after": mark, **rest}))
        assert one.body == {}
        assert Lacking("first_name", why) in one.lacks
        nested = {"before": {"attributes": {"plan": mark}}, **rest}
        assert only(what_undoes("audience.contact_updated", nested)).lacks == (Lacking("attributes", why),)


def test_one_command_is_sent_to_each_thing_that_was_made() -> None:
    found = what_undoes("finance.targets_adopted", {"template": "t", "target_ids": [FIRST, SECOND]})
    assert [(one.kind.slug, str(one.target)) for one in found] == [
        ("withdraw-target", FIRST),
        ("withdraw-target", SECOND),
    ]


def test_a_reason_says_what_is_undone() -> None:
    one = only(what_undoes("audience.addressee_suppressed", {}, version=4))
    assert one.body == {"entry": 4, "reason": "Undoes position 7, audience.addressee_suppressed"}
