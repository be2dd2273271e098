"""What imports know of the world, wired once for every process."""

from __future__ import annotations

from typing import Final

from adapters.intake.countries import CldrCountries
from adapters.intake.phones import LibPhones
from domain.audience.email import DOMAINS
from domain.audience.intake import World

WORLD: Final = World(CldrCountries(), LibPhones(), DOMAINS)
"""Countries by CLDR, telephone numbers by libphonenumber, domain names by IDNA."""
