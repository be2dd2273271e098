"""The workflows of jobs, wired for a process that has the parts of a composition."""

from __future__ import annotations

from typing import TYPE_CHECKING

from application.jobs import Workflows

if TYPE_CHECKING:
    from api.parts import Composition


def workflows_of(parts: Composition) -> Workflows:
    """All that do jobs, by the name of their workflow."""
    return Workflows(
        parts.commands,
        parts.codec,
        parts.keys,
        parts.blobs,
        parts.imports,
        parts.certification,
        parts.lapses,
        deliveries=parts.deliveries,
        notices=parts.notices,
        postings=parts.postings,
        payments=parts.payments,
    )
