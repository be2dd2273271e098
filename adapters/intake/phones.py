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
        if not phonenumbers.is_valid_number(number):
            return None
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
