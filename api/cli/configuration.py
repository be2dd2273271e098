"""`penguinmails config`: the settings as this installation has them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from pydantic import AliasChoices, SecretStr

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic.fields import FieldInfo

    from api.settings import Settings

MASKED: Final = "********"


def shown(settings: Settings, *, data_folder: Path | None) -> list[dict[str, Any]]:
    """Each setting: `name` in the environment, `value` (secrets masked), `source`, `about`."""
    values: list[dict[str, Any]] = []
    for field, info in type(settings).model_fields.items():
        names = _names(field, info)
        value = getattr(settings, field)
        found = next((name for name in names if name in os.environ), None)
        source = "default" if found is None else f"environment {found}"
        if field == "data" and data_folder is not None:
            source = "--data"
        values.append(
            {
                "name": names[0],
                "value": MASKED if isinstance(value, SecretStr) else None if value is None else str(value),
                "source": source,
                "about": info.description,
            }
        )
    return values


def _names(field: str, info: FieldInfo) -> list[str]:
    """The names of a setting in the environment, the one to use first."""
    if isinstance(info.validation_alias, AliasChoices):
        return [str(choice) for choice in info.validation_alias.choices]
    return [f"PENGUINMAILS_{field.upper()}"]
