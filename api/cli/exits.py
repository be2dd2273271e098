"""What the exit codes of every command say. Apart from the rest, so that what needs no installation loads none."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Final


class Exit(IntEnum):
    """What the exit code says."""

    OK = 0
    REFUSED = 1
    USAGE = 2
    NOT_FOUND = 3
    UNAVAILABLE = 4
    DOES_NOT_HOLD = 5
    CANNOT_BE_JUDGED = 6
    MISTAKE = 70
    INTERRUPTED = 130


ABOUT_EXITS: Final[Mapping[Exit, str]] = {
    Exit.OK: "Done.",
    Exit.REFUSED: "Understood and refused: a rule, a permission, a wrong key. Nothing was changed; of a file, nothing "
    "of the rows that it names.",
    Exit.USAGE: "The command line was not understood.",
    Exit.NOT_FOUND: "There is no such thing here.",
    Exit.UNAVAILABLE: "The installation or its database cannot be reached, or does not start. Try again later.",
    Exit.DOES_NOT_HOLD: "What was to be verified does not hold: something was changed, or lost. The words say where.",
    Exit.CANNOT_BE_JUDGED: "What was to be verified cannot be judged: it is cut off, of another kind, or about "
    "something else.",
    Exit.MISTAKE: "A mistake of ours; the log line on standard error says where.",
    Exit.INTERRUPTED: "Interrupted (Ctrl-C).",
}
