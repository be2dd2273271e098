"""Telephone numbers by libphonenumber's plans."""

from __future__ import annotations

import phonenumbers


class LibPhones:
    """`Phones` by the `phonenumbers` library."""

    def e164(self, written: str, country: str | None) -> str | None:
        """E.164 (`+4930...`) if the number is valid, read as dialled inside `country`; else None."""
        dialled = "+" + written[2:] if country is None and written.startswith("00") else written
        try:
            number = phonenumbers.parse(dialled, country)
        except phonenumbers.NumberParseException:
            return None
        at_home = country is not None and phonenumbers.is_valid_number_for_region(number, country)
        if not at_home and not phonenumbers.is_valid_number(
            number
        ):  # the second asks every country of the code
            return None
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
