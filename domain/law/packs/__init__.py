"""The rule packs that come with the product: one file per law."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from domain.law.reading import PackUnusable, read_pack

if TYPE_CHECKING:
    from domain.law.pack import Pack


def pack_texts() -> dict[str, str]:
    """The text of each pack's file, by the file's name."""
    return {
        file.name: file.read_text(encoding="utf-8")
        for file in files(__name__).iterdir()
        if file.name.endswith(".toml")
    }


@cache
def load_packs() -> tuple[Pack, ...]:
    """All of them, by law. Raises `PackUnusable`."""
    packs = [read_pack(text, name) for name, text in pack_texts().items()]
    if len({pack.law for pack in packs}) < len(packs):
        raise PackUnusable("two packs are of one law; make them one file")
    return tuple(sorted(packs, key=lambda pack: pack.law))


def zones_of(country: str) -> tuple[str, ...]:
    """Where the days of a country's law begin: those of the pack that says who may be mailed there."""
    return next((pack.zones for pack in load_packs() if pack.rules and country in pack.countries), ())
