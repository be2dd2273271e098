"""The Arrow type of a report's column: said once, for what goes over the wire and for the files that leave."""

from __future__ import annotations

from typing import Any, Final

import pyarrow as pa

from application.figures import FRACTIONS, Form, form_of
from application.ports.analytics import Column

_OTHERS: Final = {Form.TEXT: pa.string(), Form.DATE: pa.date32()}


def arrow_type(column: Column) -> Any:
    """The type of a column's values. Whole numbers of 64 bits would cut fractions off without a word."""
    form = form_of(column)
    return pa.float64() if form in FRACTIONS else _OTHERS.get(form, pa.int64())
