"""The record of processing activities."""

import pytest

from domain.kernel.errors import NotFound
from domain.rights.register import (
    ActivityChanged,
    ActivityEnded,
    ActivityEntered,
    ActivityHasEnded,
    ActivityIdTaken,
    ActivityReviewed,
    ActivityRole,
    ChangeActivity,
    EndActivity,
    EnterActivity,
    PurposesMissing,
    ReviewActivity,
    WhoseProcessor,
)
from tests.support.given import uid
from tests.support.unit import World

ACTIVITY = uid(0x61)
ENTER = EnterActivity(
    title="Newsletter",
    purposes=("Advertising by e-mail",),
    categories_of_people=("Customers",),
    categories_of_data=("Name", "E-mail address"),
    kept_for=("Until withdrawn",),
    contacts="dpo@acme.example",
)


def test_an_activity_is_entered_changed_reviewed_and_ended() -> None:
    world = World()
    (entered,) = world.run(ENTER, ACTIVITY)
    assert isinstance(entered, ActivityEntered)
    assert entered.contacts == "dpo@acme.example"
    change = ChangeActivity(title="Newsletter", purposes=("Advertising",), contacts="dpo@acme.example")
    (changed,) = world.run(change, ACTIVITY)
    assert isinstance(changed, ActivityChanged)
    assert changed.before.kept_for == ("Until withdrawn",)
    assert (changed.after.kept_for, changed.contacts_changed, changed.contacts_after) == ((), False, None)
    assert world.state("activity", ACTIVITY).contacts == "dpo@acme.example"
    assert world.run(change, ACTIVITY) == []
    (reviewed,) = world.run(ReviewActivity(), ACTIVITY)
    assert isinstance(reviewed, ActivityReviewed)
    (ended,) = world.run(EndActivity(), ACTIVITY)
    assert isinstance(ended, ActivityEnded)
    for command in (change, ReviewActivity(), EndActivity()):
        with pytest.raises(ActivityHasEnded):
            world.run(command, ACTIVITY)
    world.assert_replays()


def test_contacts_are_taken_away_by_leaving_them_out() -> None:
    world = World()
    world.run(ENTER, ACTIVITY)
    (changed,) = world.run(ChangeActivity(title="Newsletter", purposes=("Advertising",)), ACTIVITY)
    assert isinstance(changed, ActivityChanged)
    assert changed.contacts_changed
    assert world.state("activity", ACTIVITY).contacts is None


def test_a_controller_says_what_for_and_a_processor_for_whom() -> None:
    world = World()
    with pytest.raises(PurposesMissing):
        world.run(EnterActivity(title="Newsletter"), ACTIVITY)
    with pytest.raises(WhoseProcessor):
        world.run(EnterActivity(title="Newsletter", role=ActivityRole.PROCESSOR), ACTIVITY)
    with pytest.raises(WhoseProcessor):
        world.run(
            EnterActivity(title="Newsletter", role=ActivityRole.JOINT_CONTROLLER, purposes=("Ads",)), ACTIVITY
        )
    assert world.run(
        EnterActivity(title="Mailing for a client", role=ActivityRole.PROCESSOR, controllers=("Saws Ltd",)),
        ACTIVITY,
    )


def test_an_id_is_used_once_and_nothing_is_done_to_what_is_not_there() -> None:
    world = World()
    with pytest.raises(NotFound):
        world.run(ReviewActivity(), ACTIVITY)
    world.run(ENTER, ACTIVITY)
    with pytest.raises(ActivityIdTaken):
        world.run(ENTER, ACTIVITY)
