"""What an outside auditor looks for is never more than what they were let in for."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

import domain.registered  # noqa: F401 - every context is known
from domain.audit.origins import LogKind
from domain.kernel.events import EVENTS
from domain.kernel.permissions import TENANT_ROLES, Permission
from domain.tenancy.auditor import AuditScope


def scope(*contexts: str) -> AuditScope:
    return AuditScope(
        logs=(LogKind.EVENTS,),
        seen_from=datetime(2026, 1, 1, tzinfo=UTC),
        seen_until=datetime(2026, 2, 1, tzinfo=UTC),
        contexts=contexts or None,
        shows_personal=False,
        shows_evidence=False,
    )


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ([], "all"),
        (["access.alert_raised"], ["access.alert_raised"]),
        (["access.alert_raised", "tenancy.tenant_opened"], ["access.alert_raised"]),
        (["tenancy.tenant_opened"], ["nothing"]),
        (["tenancy.tenant_opened", "-access.alert_raised"], ["nothing", "-access.alert_raised"]),
        (["no.such_event"], ["nothing"]),
    ],
)
def test_names_are_those_of_the_contexts_alone(asked: list[str], found: list[str] | str) -> None:
    expected = (
        sorted(name for name in EVENTS.classes if name.startswith("access.")) if found == "all" else found
    )
    assert scope("access").names(asked) == expected
    assert scope().names(asked) == asked
    assert "nothing" not in EVENTS.classes
    assert scope("a-context-that-went").names([]) == ["nothing"]


def test_nobody_of_a_tenant_holds_what_only_an_auditors_key_does() -> None:
    audits = {Permission.AUDIT_EVENTS, Permission.AUDIT_ACCESS}
    assert not [role for role, held in TENANT_ROLES.items() if held & audits]
    assert scope().permissions == {Permission.AUDIT_EVENTS}
