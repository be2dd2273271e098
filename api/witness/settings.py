"""What a witness is told: its name, where it listens, and which logs it knows by which keys (a file in TOML)."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from api.ops.errors import CannotRun
from domain.audit.errors import MalformedVerifierKey
from domain.audit.notes import SignatureType, VerifierKey, is_key_name

if TYPE_CHECKING:
    from pathlib import Path

FILE: Final = "witness.toml"
_ALL: Final = "/*"

EXAMPLE: Final = """\
name = "witness.example.com/w1"
[[logs]]
origin = "ledger.example.com/*"
keys = ["ledger.example.com+a1b2c3d4+AQ..."]
"""


class KnownLog(BaseModel):
    """A log, or all logs of one installation, and the keys that sign them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    origin: str = Field(description="A log's origin; with `/*` at its end all origins that begin so.")
    keys: tuple[str, ...] = Field(
        min_length=1,
        description="Verifier keys. Each log of an installation signs by the same key, under a name of its own.",
    )

    @field_validator("origin")
    @classmethod
    def _is_origin(cls, text: str) -> str:
        if not is_key_name(text.removesuffix(_ALL)) or "*" in text.removesuffix(_ALL):
            raise ValueError(
                "an origin has no space and no plus sign; an asterisk stands at its end, after a slash"
            )
        return text

    @field_validator("keys")
    @classmethod
    def _are_keys(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        for text in texts:
            try:
                key = VerifierKey.read(text)
            except MalformedVerifierKey as error:
                raise ValueError(error.detail) from None
            if key.type is not SignatureType.ED25519:
                raise ValueError("a log's key is of type 0x01; 0x04 is a witness's")
        return texts

    def keys_of(self, origin: str) -> tuple[VerifierKey, ...]:
        """The keys that this entry trusts a log of this origin by."""
        keys = tuple(map(VerifierKey.read, self.keys))
        if not self.origin.endswith(_ALL):
            return keys if origin == self.origin else ()
        if not origin.startswith(self.origin[:-1]) or not is_key_name(origin):
            return ()
        return tuple(VerifierKey(origin, key.type, key.public_key) for key in keys)


class WitnessSettings(BaseModel):
    """How a witness runs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="What its key is called: a schema-less URL such as witness.example.com/w1.")
    host: str = Field(default="127.0.0.1", description="Address it listens on.")
    port: int = Field(default=8421, ge=0, le=65535, description="Port it listens on; 0: any free one.")
    requests_per_second: float = Field(
        default=50.0, gt=0, description="What one address may ask, at most; ten seconds' worth at once."
    )
    logs: tuple[KnownLog, ...] = Field(description="The logs that it knows.")

    @field_validator("name")
    @classmethod
    def _is_name(cls, text: str) -> str:
        if not is_key_name(text):
            raise ValueError("a name has letters, and no space or plus sign")
        return text

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        if any(one.origin == self.name for one in self.logs):
            raise ValueError("a witness is not called as a log that it knows")
        return self

    def keys_of(self, origin: str) -> tuple[VerifierKey, ...]:
        """The keys that a log of this origin is trusted by; none of one that is not known."""
        return tuple(dict.fromkeys(key for one in self.logs for key in one.keys_of(origin)))


def read_settings(file: Path) -> WitnessSettings:
    """The settings in a file. Raises `CannotRun`, with what is wrong where."""
    try:
        return WitnessSettings.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise CannotRun(
            f"There is no {file}. It says who the witness is and which logs it knows:\n{EXAMPLE}"
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CannotRun(f"{file} cannot be read as TOML: {error}") from None
    except ValidationError as error:
        told = "; ".join(
            f"{'.'.join(map(str, one['loc'])) or 'the file'}: {one['msg'].removeprefix('Value error, ')}"
            for one in error.errors()
        )
        raise CannotRun(f"{file}: {told}") from None
