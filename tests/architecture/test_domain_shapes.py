"""What every event, command and refusal owes its readers."""

import importlib
import inspect
import pkgutil
from collections import Counter

import api.http.app  # noqa: F401 - the doors have rules of their own
import application
import domain.audit.errors  # noqa: F401 - rules of proofs, which no door imports
from domain.kernel.commands import COMMANDS, DECIDERS
from domain.kernel.errors import Refusal
from domain.kernel.events import EVENTS
from tests.support.stored_names import current_shapes

CHANGES_ACCESS = {
    "billing.access_changed",
    "platform.staff_added",
    "platform.staff_removed",
    "platform.staff_role_changed",
    "platform.super_admin_added",
    "platform.super_admin_dropped",
    "tenancy.api_key_created",
    "tenancy.api_key_revoked",
    "tenancy.auditor_admitted",
    "tenancy.grant_approved",
    "tenancy.grant_expired",
    "tenancy.grant_revoked",
    "tenancy.member_joined",
    "tenancy.member_removed",
    "tenancy.member_role_changed",
    "tenancy.ownership_granted",
    "tenancy.ownership_relinquished",
    "tenancy.plan_changed",
    "tenancy.tenant_closed",
    "tenancy.tenant_opened",
    "tenancy.tenant_reinstated",
    "tenancy.tenant_suspended",
    "tenancy.workspace_role_set",
}
"""Who may do what, and how much of it (the plan's rate): exactly these raise a log's access epoch."""


PRODUCT = ("domain.", "application.", "projections.", "adapters.", "api.")


def refusals() -> list[type[Refusal]]:
    current_shapes()
    for module in pkgutil.walk_packages(application.__path__, "application."):
        importlib.import_module(module.name)
    found, waiting = [], [Refusal]
    while waiting:
        cls = waiting.pop()
        waiting += cls.__subclasses__()
        found.append(cls)
    return [cls for cls in found if cls.__module__.startswith(PRODUCT)]


def test_exactly_the_events_that_change_access_say_so() -> None:
    assert {name for name in current_shapes() if EVENTS.classes[name].changes_access} == CHANGES_ACCESS


def test_every_event_and_command_says_what_it_is() -> None:
    current_shapes()
    for cls in [*EVENTS.classes.values(), *COMMANDS.by_route.values()]:
        assert "__doc__" in vars(cls), cls
        assert (inspect.getdoc(cls) or "").rstrip().endswith("."), cls


def test_a_personal_event_names_its_subject_among_its_fields() -> None:
    for name in current_shapes():
        cls = EVENTS.classes[name]
        assert cls.subject is None or cls.subject in cls.model_fields, name
        assert not cls.personal or cls.subject, name


def test_every_command_has_a_stream_that_is_there() -> None:
    current_shapes()
    assert {cls.stream for cls in COMMANDS.by_route.values()} <= set(DECIDERS)


def test_one_rule_one_code_and_what_to_do_next() -> None:
    codes = Counter(cls.code for cls in refusals() if not cls.__subclasses__())
    assert {code for code, count in codes.items() if count > 1} == set()
    for cls in refusals():
        assert "__doc__" in vars(cls), cls
        assert cls.rule().endswith("."), cls
