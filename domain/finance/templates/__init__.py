"""Templates of targets, a file each: what a planning document says, kept as it says it, contradictions included."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Final

from domain.finance.target import TemplateTarget

_FOLDER: Final = Path(__file__).parent


@cache
def template(name: str) -> tuple[TemplateTarget, ...]:
    """The targets of a template, in the order of its document."""
    told = json.loads((_FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return tuple(TemplateTarget.model_validate(one) for one in told["targets"])
