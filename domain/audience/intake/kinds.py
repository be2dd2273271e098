"""What a file is a list of: its kind settles how its columns and its rows are read."""

from __future__ import annotations

from enum import StrEnum


class FileKind(StrEnum):
    """Contacts of a workspace, or addresses to which nothing goes in the whole tenant."""

    CONTACTS = "contacts"
    SUPPRESSIONS = "suppressions"
