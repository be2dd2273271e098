"""What a witness finds, and the status of HTTP that says so (C2SP tlog-witness, add-checkpoint)."""

from __future__ import annotations

from typing import Final

from domain.audit.witnessing import Found

PATH: Final = "/add-checkpoint"
SIZE_TYPE: Final = "text/x.tlog.size"

STATUSES: Final = {
    Found.CONSISTENT: 200,
    Found.MALFORMED: 400,
    Found.NOT_SIGNED: 403,
    Found.UNKNOWN_LOG: 404,
    Found.OTHER_SIZE: 409,
    Found.TWO_ROOTS: 409,
    Found.NOT_PROVEN: 422,
}
"""Of the two with 409 the first says a size, in a body of its own type."""
