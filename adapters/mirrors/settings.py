"""Which buckets there are, and how they are reached: from the environment, or a file of the data folder (0600)."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter, ValidationError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FILE: Final = "buckets.json"
_NAMED: Final = f"PENGUINMAILS_BUCKETS (or the file secrets/{FILE})"


class BucketsMisconfigured(ValueError):
    """The settings of buckets cannot be used. The message names what is wrong; no key stands in it."""


class BucketSettings(BaseModel):
    """A bucket of an S3-compatible store. `prefix`: what its names begin with; then come tenant and folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bucket: Annotated[str, Field(min_length=3, max_length=63)]
    endpoint: Annotated[str, Field(pattern=r"^(https://|http://(127\.0\.0\.1|localhost)(:|/|$))")] | None = (
        None
    )
    region: str = "us-east-1"
    access_key_id: SecretStr
    secret_access_key: SecretStr
    session_token: SecretStr | None = None
    prefix: Annotated[str, Field(pattern=r"^([A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*)?$")] = ""
    virtual_hosted: bool = False


Buckets: Final[TypeAdapter[dict[str, BucketSettings]]] = TypeAdapter(dict[str, BucketSettings])


def read_buckets(secrets: Path, given: str | None) -> Mapping[str, BucketSettings]:
    """The buckets by their names; none where nothing says so. Raises `BucketsMisconfigured`."""
    file = secrets / FILE
    if given is None:
        if not file.exists():
            return {}
        if stat.S_IMODE(file.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
            raise BucketsMisconfigured(f"{file} is for its owner alone: chmod 600 it.")
        given = file.read_text(encoding="utf-8")
    try:
        return Buckets.validate_json(given)
    except ValidationError as error:
        wrong = "; ".join(
            f"/{'/'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_input=False)
        )
        raise BucketsMisconfigured(f"{_NAMED}: {wrong}") from None
