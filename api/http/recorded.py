"""Which reads leave an entry in the tenant's access log: every operation that reads says so, or there is no document.

What staff read is entered in any case, as theirs; so is a report that is taken as a file, as an export, and a view as
it was, as a replay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from application.queries import QUERIES
from domain.access.reads import ReadKind

if TYPE_CHECKING:
    from collections.abc import Iterator

READING_POSTS: Final = frozenset(
    {
        "audience_import_preview",
        "law_rejudge_by_sent_pack",
        "ledger_disclosure",
        "ledger_evidence",
        "ledger_evidence_question",
        "reports_cite",
        "reports_preview_definition",
        "sql_ask",
        "sql_run",
    }
)
"""Operations that are no GET and change nothing all the same."""
_P, _E, _R = ReadKind.PERSONAL, ReadKind.EXPORT, ReadKind.REPLAY
_KINDS: Final[dict[str, ReadKind | None]] = {
    "access_reads": ReadKind.ACCESS,
    "access_review": None,
    "audience_addressee_links": None,
    "audience_erasure_certificate": None,
    "audience_export_suppressions": _E,
    "audience_import_errors": _E,
    "audience_import_preview": _P,
    "audience_import_progress": None,
    "audience_preview": None,
    "billing_catalogue": None,
    "citations_resolve": None,
    # Who holds the token of a page is the person it is about, who is told nothing that only the tenant knows.
    "doors_look_at_choices": None,
    "doors_look_at_confirmation": None,
    "doors_look_at_data": None,
    "doors_look_to_stop": None,
    "history_blame": _R,
    "history_causes": _R,
    "history_difference": _R,
    "history_events": _R,
    "history_known": _R,
    "history_state": _R,
    "history_undo": _R,
    "law_packs": None,
    "law_rejudge": _R,
    "law_rejudge_by_sent_pack": _R,
    "ledger_certificate": _E,
    "ledger_checkpoint": None,
    "ledger_checkpoints": None,
    "ledger_consistency": None,
    "ledger_disclosure": _P,
    "ledger_envelope": _R,
    "ledger_evidence": _E,
    "ledger_evidence_question": _R,
    "ledger_inclusion": None,
    "ledger_keys": None,
    "ledger_noted": None,
    "ledger_proof": None,
    "ledger_tile": None,
    "ledger_verifier_keys": None,
    "packs_definitions": None,
    "packs_figures": _E,
    "packs_pdf": _E,
    "packs_sealed": None,
    "receipts_look_up": None,
    "reports_cite": None,
    "reports_list": None,
    "reports_preview_definition": None,
    "rights_asked": _P,
    "rights_disclosure": _E,
    "sql_ask": _E,
    "sql_run": _E,
    "sql_schema": None,
}
"""Of operations that are neither a view nor a report."""
_REPORTS: Final = "/v1/reports/"
_PLATFORM: Final = "/v1/platform/"
_AT: Final = "#/components/parameters/At"
"""The parameter by which a view is looked back to: as of then it is a replay, whatever it shows."""
_FORM: Final = "format"
"""The parameter by which a report is asked for as a file."""


def kind_of(path: str, operation: str) -> ReadKind | None:
    """The kind of entry that a read by the tenant's own people leaves. Raises `TypeError` for one nobody declared."""
    if path.startswith(_PLATFORM):
        return ReadKind.STAFF
    for query in QUERIES.values():
        if query.route == path:
            return _P if query.personal else None
        if path == f"{query.route}/difference":
            return _R
    if operation in _KINDS:
        return _KINDS[operation]
    if path.startswith(_REPORTS):
        return None
    raise TypeError(f"say in {__name__} which entry a read by {operation} leaves in the access log, if any")


def reads(paths: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method and operation of each that reads."""
    for path, operations in paths.items():
        for method, operation in operations.items():
            if method == "get" or operation["operationId"] in READING_POSTS:
                yield path, method, operation


def declare(paths: dict[str, Any]) -> None:
    """Write into each operation that reads which entry it leaves: `x-recorded`, and what else it leaves at times."""
    for path, _, operation in reads(paths):
        kind = kind_of(path, operation["operationId"])
        operation["x-recorded"] = None if kind is None else kind.value
        if any(one.get("$ref") == _AT for one in operation["parameters"]):
            operation["x-recorded-looking-back"] = ReadKind.REPLAY.value
        if any(one.get("name") == _FORM for one in operation["parameters"]):
            operation["x-recorded-as-file"] = (kind or ReadKind.EXPORT).value
