"""Every stored event has a line that says how it is undone or why never, and what it says can be done."""

from __future__ import annotations

import domain.registered
import projections.operational.views
from application.queries import QUERIES
from domain.access.approvals import APPROVALS
from domain.kernel.commands import COMMANDS
from domain.kernel.events import EVENTS
from domain.tenancy.secret import SecretCommand
from domain.undoing.table import MAKES, OUT_OF_REACH, WAYS
from domain.undoing.ways import WORDS, Along, By, From, Undone, Why, along_with
from projections.olap.reports import REPORTS

_ROOTS = ("/event/", "/before/", "/earlier/", "/each/", "/back/")
_WHOLE = ("/stream", "/version", "/because")


def test_every_stored_event_has_a_line_and_no_other_has() -> None:
    assert domain.registered.MODULES
    assert set(WAYS) == set(EVENTS.classes), (
        "Say in domain/undoing (people, money or house) how each is undone, or why never."
    )
    assert set(WORDS) == set(Why)
    assert set(MAKES) | set(OUT_OF_REACH) <= set(WAYS)
    for name, fields in MAKES.items():
        assert set(fields) <= set(EVENTS.classes[name].model_fields), name


def test_what_undoes_is_a_command_with_a_door_whose_fields_are_all_accounted_for() -> None:
    found = [(name, one) for name, way in WAYS.items() if isinstance(way, Undone) for one in way.by]
    assert found
    for name, one in found:
        context, _, slug = one.command.partition("/")
        command = COMMANDS.by_route.get((context, slug))
        assert command is not None, (name, one.command)
        assert not command.internal, (name, one.command)
        assert not issubclass(command, SecretCommand), (name, one.command)
        given = set(one.fields) | set(one.asks)
        assert given <= set(command.model_fields), (name, given)
        if not one.spread:
            needed = {field for field, told in command.model_fields.items() if told.is_required()}
            assert needed <= given, (name, needed - given)
        _pointers_lead_somewhere(name, one)


def _pointers_lead_somewhere(name: str, one: By) -> None:
    sources = [value for value in (*one.fields.values(), *one.spread, one.to) if isinstance(value, From)]
    for source in sources:
        assert source.pointer in _WHOLE or source.pointer.startswith(_ROOTS), (name, source)
        root, _, rest = source.pointer.removeprefix("/").partition("/")
        field = rest.partition("/")[0]
        if root in ("event", "each", "back"):
            assert field in EVENTS.classes[name].model_fields, (name, source)
        if root == "earlier":
            category = name.partition(".")[0]
            shapes = [EVENTS.classes[other] for other in WAYS if other.startswith(f"{category}.")]
            assert any(field in shape.model_fields for shape in shapes), (name, source)


def test_what_is_undone_along_with_others_leads_to_events_that_are_there() -> None:
    for name, way in WAYS.items():
        assert set(along_with(way)) <= set(WAYS) - {name}, name
        if isinstance(way, Along):
            assert way.events, name


def test_pages_of_approvals_are_views_and_reports_that_are_there() -> None:
    assert projections.operational.views.VIEWS
    for name, approval in APPROVALS.items():
        fields = EVENTS.classes[name].model_fields
        assert approval.pages, name
        assert approval.at is None or approval.at in fields, name
        for page in approval.pages:
            assert {*page.params.values(), *page.only, *filter(None, [page.id])} <= set(fields), (name, page)
            if page.report is not None:
                given = set(REPORTS[page.report].info.parameters["properties"])
                assert page.view is None, (name, page)
            else:
                query = QUERIES[str(page.view)]
                assert query.single == (page.id is not None), (name, page)
                given = set(query.params.model_fields)
            assert set(page.params) <= given, (name, page)
