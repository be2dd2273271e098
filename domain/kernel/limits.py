"""How long text may be, in characters, and how many attributes a contact has: the same by command and by import."""

from __future__ import annotations

from typing import Final

SHORT: Final = 100
LINE: Final = 255
LONG: Final = 2_000
PHONE: Final = 40
IP: Final = 45
ATTRIBUTE_KEY: Final = 64
ATTRIBUTE: Final = 10_000
ATTRIBUTES: Final = 50
