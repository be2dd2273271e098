"""How a request is answered, and the time there is for it: one test for each rule."""

from datetime import timedelta

import pytest

from domain.audience.contact import CreateContact
from domain.audience.erasure import EraseAddressee
from domain.kernel.commands import Command
from domain.rights import refusals as no
from domain.rights.commands import (
    AcknowledgeRequest,
    BeginErasure,
    CheckIdentity,
    CompleteRequest,
    DestroyRequestDetails,
    ExtendRequest,
    NameSubject,
    RectifyData,
    RefuseRequest,
    RemindOfRequest,
    RestrictProcessing,
    WithdrawRequest,
)
from domain.rights.events import (
    DeadlineApproaching,
    DeadlineMissed,
    DisclosureMade,
    RequestCompleted,
    RequestDetailsDestroyed,
    RequestExtended,
    RequestWithdrawn,
)
from domain.rights.kinds import AT_ONCE, DisclosureForm, Ground, IdentityMethod, RequestKind
from domain.rights.request import DETAILS_KEPT
from domain.rights.state import MOST_MADE
from tests.support.given import NOW, uid
from tests.support.requests import (
    DISCLOSURE,
    EMAIL,
    MADE,
    REQUEST,
    WORKSPACE,
    addressee,
    asked,
    opened,
    receive,
    refused,
    verify,
)

DAY = timedelta(days=1)
K = RequestKind


class TestAnswering:
    def test_access_is_answered_after_it_was_given(self) -> None:
        world = opened()
        receive(world, K.ACCESS)
        verify(world)
        refused(world, CompleteRequest(), no.NotDoneYet)
        refused(world, DISCLOSURE, no.DisclosureNotMade)
        (made,) = world.run(MADE, REQUEST)
        assert isinstance(made, DisclosureMade)
        assert world.run(MADE, REQUEST) == []
        another = DISCLOSURE.model_copy(update={"digest": "cd" * 32})
        refused(world, another, no.DisclosureNotMade)
        for otherwise in ({"position": "cDEuMS40NA"}, {"form": DisclosureForm.HTML}):
            refused(world, DISCLOSURE.model_copy(update=otherwise), no.DisclosureMadeOtherwise)
        world.run(DISCLOSURE, REQUEST)
        (completed,) = world.run(CompleteRequest(), REQUEST)
        assert completed == RequestCompleted(
            request_id=asked(world).request_id,
            kind="access",
            law="eu-gdpr",
            received_at=NOW,
            outcome="fulfilled",
            completed_at=NOW,
            in_time=True,
            entered_late=False,
            details_until=NOW + DETAILS_KEPT,
        )
        for command in (CompleteRequest(), DISCLOSURE, WithdrawRequest(), AcknowledgeRequest()):
            refused(world, command, no.RequestClosed)

    def test_of_the_disclosures_that_were_made_the_latest_are_known(self) -> None:
        world = opened()
        receive(world, K.ACCESS)
        verify(world)
        world.run(MADE, REQUEST)
        for number in range(MOST_MADE):
            world.run(MADE.model_copy(update={"digest": f"{number:064x}"}), REQUEST)
        assert len(asked(world).made) == MOST_MADE
        refused(world, DISCLOSURE, no.DisclosureNotMade)
        world.run(DISCLOSURE.model_copy(update={"digest": f"{0:064x}"}), REQUEST)

    def test_of_whom_nothing_is_held_is_told_so(self) -> None:
        world = opened()
        receive(world, K.ERASURE, email="nobody@example.com")
        refused(world, BeginErasure(), no.NoSubjectYet)
        (completed,) = world.run(CompleteRequest(), REQUEST)
        assert isinstance(completed, RequestCompleted)
        assert completed.outcome == "nothing_held"

    @pytest.mark.parametrize("kind", list(K))
    def test_who_was_erased_is_the_one_it_is_about_and_is_not_told_that_nothing_is_held(
        self, kind: RequestKind
    ) -> None:
        world = opened()
        former = addressee(world)
        world.run(EraseAddressee(), former)
        receive(world, kind)
        assert asked(world).addressee_id == former
        if kind in AT_ONCE:
            assert world.run(CompleteRequest(), REQUEST)
        elif kind is not K.COMPLAINT:
            refused(world, CompleteRequest(), no.NotDoneYet)

    def test_who_came_back_is_the_one_it_is_about(self) -> None:
        world = opened()
        former = addressee(world)
        world.run(EraseAddressee(), former)
        world.run(CreateContact(workspace_id=WORKSPACE, email=EMAIL), uid(0x55))
        receive(world, K.ACCESS)
        assert asked(world).addressee_id == world.state("contact", uid(0x55)).addressee_id != former

    def test_somebody_who_came_in_meanwhile_is_not_told_that_nothing_is_held(self) -> None:
        world = opened()
        receive(world, K.ACCESS, email="later@example.com")
        world.run(CreateContact(workspace_id=WORKSPACE, email="later@example.com"), uid(0x55))
        refused(world, CompleteRequest(), no.SubjectIsKnownNow)
        world.run(NameSubject(email="later@example.com"), REQUEST)
        refused(world, CompleteRequest(), no.NotDoneYet)

    @pytest.mark.parametrize(
        "command",
        [
            RefuseRequest(ground=Ground.EXCESSIVE, reason="Again"),
            WithdrawRequest(),
            CheckIdentity(method=IdentityMethod.KNOWN, verified=False),
        ],
    )
    def test_what_was_done_is_not_undone_by_words(self, command: Command) -> None:
        world = opened()
        receive(world, K.ACCESS)
        verify(world)
        world.run(MADE, REQUEST)
        world.run(DISCLOSURE, REQUEST)
        refused(world, command, no.DoneAlready)

    def test_stopping_needs_no_more_than_an_answer(self) -> None:
        world = opened()
        receive(world, K.OBJECTION)
        (completed,) = world.run(CompleteRequest(), REQUEST)
        assert isinstance(completed, RequestCompleted)
        assert completed.outcome == "fulfilled"

    def test_too_late_is_told(self) -> None:
        world = opened()
        receive(world, K.OBJECTION)
        (in_time,) = world.run(CompleteRequest(), REQUEST, at=asked(world).due_at - timedelta(microseconds=1))
        assert isinstance(in_time, RequestCompleted)
        assert in_time.in_time
        other = opened()
        receive(other, K.OBJECTION)
        (late,) = other.run(CompleteRequest(), REQUEST, at=asked(other).due_at)
        assert isinstance(late, RequestCompleted)
        assert not late.in_time

    @pytest.mark.parametrize(
        ("kind", "command"),
        [
            (K.ERASURE, DISCLOSURE),
            (K.ACCESS, RectifyData(first_name="Augusta")),
            (K.ACCESS, BeginErasure()),
            (K.OBJECTION, RestrictProcessing()),
        ],
    )
    def test_one_kind_is_not_answered_by_another(self, kind: RequestKind, command: Command) -> None:
        world = opened()
        receive(world, kind)
        verify(world)
        refused(world, command, no.NotOfThisKind)

    def test_a_person_takes_it_back(self) -> None:
        world = opened()
        receive(world, K.ACCESS)
        (withdrawn,) = world.run(WithdrawRequest(), REQUEST)
        assert isinstance(withdrawn, RequestWithdrawn)

    def test_confirming_twice_is_once_and_in_order(self) -> None:
        world = opened()
        receive(world, K.ACCESS)
        refused(world, AcknowledgeRequest(acknowledged_at=NOW - DAY), no.AcknowledgedOutOfOrder)
        refused(world, AcknowledgeRequest(acknowledged_at=NOW + DAY), no.AcknowledgedOutOfOrder)
        assert len(world.run(AcknowledgeRequest(), REQUEST)) == 1
        assert world.run(AcknowledgeRequest(), REQUEST) == []


class TestTime:
    def test_a_term_is_made_longer_once_and_the_person_is_told(self) -> None:
        world = opened()
        receive(world, K.ACCESS)
        extend = ExtendRequest(reason="Many requests")
        refused(world, ExtendRequest(reason="x", told_at=NOW + DAY), no.ToldInTheFuture)
        refused(world, ExtendRequest(reason="x", told_at=NOW - DAY), no.ToldBeforeTheRequest)
        (extended,) = world.run(extend, REQUEST)
        assert isinstance(extended, RequestExtended)
        assert extended.due.isoformat() == "2027-02-23"  # one month and two more
        refused(world, extend, no.AlreadyExtended)

    def test_the_law_whose_longer_term_is_kept_is_told(self) -> None:
        """Of a month and two more, and 45 days and 45 more, the latter are over first."""
        world = opened()
        receive(world, K.ACCESS, place="US-CA")
        assert asked(world).law == "eu-gdpr"
        (extended,) = world.run(ExtendRequest(reason="Many requests"), REQUEST)
        assert isinstance(extended, RequestExtended)
        assert (extended.law, asked(world).law) == ("us-ca", "us-ca")
        assert extended.due == asked(world).terms[1].extended

    @pytest.mark.parametrize("place", ["GB", "KR", "CH"])
    def test_a_senders_law_makes_no_term_longer_than_its_own_and_the_policys(self, place: str) -> None:
        world = opened("US")
        receive(world, K.ACCESS, place=place)
        policy, california = asked(world).terms
        assert (asked(world).law, policy.law, california.law) == (None, None, "us-ca")
        assert asked(world).due == policy.due < california.due
        tell_until = policy.tell_until
        assert tell_until is not None
        with pytest.raises(no.ToldTooLate):
            world.run(ExtendRequest(reason="Many"), REQUEST, at=tell_until)
        (extended,) = world.run(ExtendRequest(reason="Many"), REQUEST)
        assert isinstance(extended, RequestExtended)
        assert extended.due == min(one.longest[0] for one in asked(world).terms)
        assert extended.due <= policy.longest[0]

    def test_too_late_for_the_notice_is_too_late(self) -> None:
        world = opened()
        receive(world, K.ACCESS)
        until = asked(world).terms[0].tell_until
        assert until is not None
        with pytest.raises(no.ToldTooLate):
            world.run(ExtendRequest(reason="Many"), REQUEST, at=until)
        assert world.run(ExtendRequest(reason="Many"), REQUEST, at=until - timedelta(microseconds=1))

    def test_a_law_that_gives_no_more_time_gives_none(self) -> None:
        world = opened("BR")
        receive(world, K.ACCESS)
        refused(world, ExtendRequest(reason="Many"), no.NoLongerTerm)

    def test_a_term_that_is_near_and_one_that_is_over_are_announced_once(self) -> None:
        world = opened()
        receive(world, K.ACCESS)
        refused(world, RemindOfRequest(), no.NotDueYet)
        due_at = asked(world).due_at
        (near,) = world.run(RemindOfRequest(), REQUEST, at=due_at - 7 * DAY)
        assert isinstance(near, DeadlineApproaching)
        assert world.run(RemindOfRequest(), REQUEST, at=due_at - DAY) == []
        (over,) = world.run(RemindOfRequest(), REQUEST, at=due_at)
        assert isinstance(over, DeadlineMissed)
        assert world.run(RemindOfRequest(), REQUEST, at=due_at + DAY) == []

    def test_a_longer_term_is_announced_anew(self) -> None:
        world = opened()
        receive(world, K.ACCESS)
        world.run(RemindOfRequest(), REQUEST, at=asked(world).due_at - DAY)
        world.run(ExtendRequest(reason="Many"), REQUEST)
        refused(world, RemindOfRequest(), no.NotDueYet)
        assert world.run(RemindOfRequest(), REQUEST, at=asked(world).due_at - DAY)

    def test_nothing_is_announced_of_what_was_answered(self) -> None:
        world = opened()
        receive(world, K.OBJECTION)
        world.run(CompleteRequest(), REQUEST)
        assert world.run(RemindOfRequest(), REQUEST, at=asked(world).due_at) == []

    def test_who_asked_is_forgotten_in_time(self) -> None:
        world = opened()
        receive(world, K.OBJECTION)
        refused(world, DestroyRequestDetails(), no.NotDueYet)
        world.run(CompleteRequest(), REQUEST)
        refused(world, DestroyRequestDetails(), no.NotDueYet)
        (event,) = world.run(DestroyRequestDetails(), REQUEST, at=NOW + DETAILS_KEPT)
        assert isinstance(event, RequestDetailsDestroyed)
        assert world.run(DestroyRequestDetails(), REQUEST, at=NOW + DETAILS_KEPT) == []
