"""A suppression list as other tools export it: plain addresses or hashes of them, why, since when, for what.

What a cell is, is told by what stands in it: with an @ it is an address, else a hash. A row that has both is of one
person, or it is rejected.
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, Final, NamedTuple
from zoneinfo import ZoneInfo

from domain.audience.hashed import DIGITS, Algorithm, reserved
from domain.audience.intake.addresses import MISSING, UNSEEN, Address, as_seen, read_address
from domain.audience.intake.candidate import Rejected
from domain.audience.intake.dates import NO_DAY, read_last, read_since
from domain.audience.intake.error_file import unescape_formula
from domain.audience.intake.errors import Fault, RowProblem
from domain.audience.intake.list_columns import (
    ADDRESSES,
    ALGORITHM,
    CAMPAIGN_TYPE,
    DATE,
    HASHES,
    REASON,
    SCOPE,
    WITHIN,
)
from domain.audience.intake.reach import Unreadable, read_reach
from domain.audience.intake.repeats import Repeats
from domain.audience.intake.text import one_line, plain
from domain.law.facts import OPT_OUTS, SuppressionKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from domain.audience.intake.mapping import Mapping
    from domain.audience.intake.ports import World
    from domain.audience.intake.reading import Opened
    from domain.audience.intake.rows import Row

_WORDS: Final = {
    SuppressionKind.UNSUBSCRIBE: """
        unsubscribe unsubscribed unsubscribes unsub optout optedout unsubscription listunsubscribe oneclick
        abgemeldet abmeldung desinscrit desinscription desabonne baja
    """,
    SuppressionKind.OBJECTION: "objection objected dataobjection gdpr gdprobjection widerspruch opposition oposicion",
    SuppressionKind.COMPLAINT: """
        complaint complained complaints spam spamcomplaint spamreport spamreports markedasspam reportedasspam abuse
        abusecomplaint feedbackloop fbl beschwerde plainte queja
    """,
    SuppressionKind.HARD_BOUNCE: """
        hardbounce hardbounced hardbounces bounce bounced bounces cleaned permanent permanentbounce permanentfailure
        invalid invalidemail invalidaddress undeliverable nonexistent mailboxdoesnotexist blocks blocked
    """,
    SuppressionKind.SOFT_BOUNCES: """
        softbounce softbounced softbounces transient transientbounce temporary temporaryfailure mailboxfull
    """,
    SuppressionKind.MANUAL: """
        manual manually manualsuppression usersuppressed suppressed suppression blacklist blacklisted blocklist
        blocklisted adminblocked donotcontact donotmail dnc excluded admin restriction restricted
    """,
}
_KINDS: Final = {word: kind for kind, words in _WORDS.items() for word in words.split()}
_ACCEPTED: Final = ", ".join(kind.value.replace("_", " ") for kind in _WORDS)

_HEX: Final = re.compile(r"[0-9a-f]+")
_OF_LENGTH: Final = {digits: algorithm for algorithm, digits in DIGITS.items()}
_NAMES: Final = {"md5": Algorithm.MD5, "sha1": Algorithm.SHA1, "sha256": Algorithm.SHA256}
_STRONGEST_FIRST: Final = (Algorithm.SHA256, Algorithm.SHA1, Algorithm.MD5)

_LENGTHS: Final = ", ".join(f"{digits} for {algorithm.value}" for algorithm, digits in DIGITS.items())
NOTHING: Final = Fault(
    "address-or-hash-missing",
    "The row has neither an address nor a hash of one.",
    "Add it or remove the row.",
)
REMARK: Final = Fault(
    "remark",
    "The line is a remark on the list, as our own exports end with, and no entry.",
    "Nothing is to be done.",
)
NO_HASH: Final = Fault(
    "hash-invalid",
    "This is neither an address nor a hash: it has no @, and characters that are no hexadecimal digits.",
    "Write the address as name@domain, or its hash in hexadecimal digits.",
)
WRONG_LENGTH: Final = Fault(
    "hash-wrong-length",
    "No hash that is known has so many digits.",
    f"Give all its hexadecimal digits: {_LENGTHS}.",
)
OF_ANOTHER_ALGORITHM: Final = Fault(
    "hash-of-another-algorithm",
    "The hash has not the length of the algorithm that the row, or its column, names.",
    f"Correct one of the two. Hexadecimal digits: {_LENGTHS}.",
)
ALGORITHM_UNKNOWN: Final = Fault(
    "hash-algorithm-unknown",
    "Addresses are not compared by hashes of this algorithm.",
    "Have the list hashed by sha256, sha1 or md5, of the address in lower case.",
)
OF_ANOTHER_ADDRESS: Final = Fault(
    "hash-of-another-address",
    "The row has an address and a hash that is not of it.",
    "Correct one of them, or give each a row of its own.",
)
REASON_UNKNOWN: Final = Fault(
    "reason-unknown",
    "This is no known reason why nothing goes to an address.",
    f"Write one of: {_ACCEPTED}; or nothing for unsubscribe.",
)
WITHOUT_ENTRY: Final = frozenset(
    fault.code
    for fault in (NOTHING, NO_HASH, WRONG_LENGTH, OF_ANOTHER_ALGORITHM, ALGORITHM_UNKNOWN, OF_ANOTHER_ADDRESS)
)
"""What makes a row one that names nobody."""


class Entry(NamedTuple):
    """A row of a suppression list. It is of an address, with its `match` form, or of a hash: `algorithm:digits`.

    `since` None: the row does not say. `workspace`: whose mail alone it is of, by the id that the row names.
    """

    number: int
    line: int
    cells: list[str]
    match: str | None
    email: str | None
    hashed: str | None
    kind: SuppressionKind
    campaign_type: str | None
    since: datetime | None
    warnings: tuple[RowProblem, ...] = ()
    unsubscribed: bool = True
    workspace: str | None = None

    @property
    def whose(self) -> str:
        """By what the row is told from others: the address's match form, or the hash."""
        return self.match or self.hashed or ""

    @property
    def identity(self) -> str:
        """All that the row says."""
        since = "" if self.since is None else self.since.isoformat()
        return "|".join((self.kind, self.campaign_type or "", self.workspace or "", since, self.whose))


class SaidBefore(NamedTuple):
    """A row that says what an earlier one said."""

    candidate: Entry
    first_row: int


class Identity(NamedTuple):
    """What `Entry.identity` put together."""

    kind: SuppressionKind
    campaign_type: str | None
    workspace: str | None
    since: datetime | None
    whose: str


def of_identity(text: str) -> Identity:
    """The parts of an identity."""
    kind, campaign_type, workspace, since, whose = text.split("|", 4)
    return Identity(
        SuppressionKind(kind),
        campaign_type or None,
        workspace or None,
        datetime.fromisoformat(since) if since else None,
        whose,
    )


def entries(
    opened: Opened, reader: ListReader, pseudonym: Callable[[str], bytes]
) -> Iterator[Entry | SaidBefore | Rejected]:
    """One outcome for each row of the file, in its order; a row that says what an earlier one said is a repeat."""
    repeats = Repeats()
    for row in opened.rows:
        outcome = reader.read(row)
        if isinstance(outcome, Rejected):
            yield outcome
            continue
        first = repeats.first_row(pseudonym(outcome.identity), outcome.number)
        yield outcome if first == outcome.number else SaidBefore(outcome, first)


class ListReader:
    """Reads the rows of a list with this header under a mapping made for it."""

    def __init__(self, header: tuple[str, ...], mapping: Mapping, world: World, now: datetime) -> None:
        """`now` is the moment after which a date is in the future."""
        places = {column: place for place, column in enumerate(header)}
        absent = len(header)

        def place_of(target: str) -> int:
            column = mapping.column_of(target)
            return absent if column is None else places[column]

        told = (*ADDRESSES, REASON, DATE, ALGORITHM, CAMPAIGN_TYPE, SCOPE, WITHIN)
        self.names = {target: mapping.column_of(target) for target in told}
        self.persons = [
            (target, places[column])
            for target in ADDRESSES
            if (column := mapping.column_of(target)) is not None
        ]
        self.pick = itemgetter(*map(place_of, (ALGORITHM, REASON, DATE, CAMPAIGN_TYPE, SCOPE, WITHIN)))
        self.world = world
        self.now = now
        self.order = mapping.date_order
        self.zone = ZoneInfo(mapping.timezone)

    def read(self, row: Row) -> Entry | Rejected:
        """What a row says, or why it says nothing."""
        if row.problem is not None:
            return Rejected(row, (row.problem,))
        problems: list[RowProblem] = []

        def problem(target: str | None, fault: Fault) -> None:
            column = None if target is None else self.names.get(target)
            problems.append(RowProblem(row.number, row.line, column, *fault))

        algorithm, reason, date, campaign_type, scope, within = self.pick([*row.cells, ""])
        named = _algorithm(algorithm)
        if isinstance(named, Fault):
            problem(ALGORITHM, named)
            named = None
        address, hashed = self._person(row, named, problem)
        kind = _kind(reason)
        if isinstance(kind, Fault):
            problem(REASON, kind)
        reach = read_reach(scope, within, campaign_type)
        if isinstance(reach, Unreadable):
            problem(*reach)
        since = self._since(date.strip(), own=kind in OPT_OUTS) if date.strip() else None
        if isinstance(since, Fault):
            problem(DATE, since)
        if problems or isinstance(kind, Fault) or isinstance(reach, Unreadable) or isinstance(since, Fault):
            return Rejected(row, tuple(problems), stop=_stop(row, address, hashed, kind, problems))
        return Entry(
            row.number,
            row.line,
            row.cells,
            None if address is None else address.match,
            None if address is None else address.written,
            None if address is not None else hashed,
            # What a platform held back is no word of the person's, and here nobody but the tenant can end it.
            SuppressionKind.MANUAL if reach.platform else kind,
            reach.campaign_type,
            since,
            workspace=reach.workspace,
        )

    def _since(self, date: str, *, own: bool) -> datetime | Fault | None:
        """Since when it is listed; None where that tells no day: whoever is on the list is stopped all the same.

        A word of the person's `own` counts as late as it may have been said: a consent ends it. All else a lift ends.
        """
        told = (
            read_last(date, self.order, self.now)
            if own
            else read_since(date, self.order, self.zone, self.now)
        )
        return None if told == NO_DAY else told

    def _person(
        self, row: Row, named: Algorithm | None, problem: Callable[[str | None, Fault], None]
    ) -> tuple[Address | None, str | None]:
        """The address of a row, or the strongest of its hashes."""
        address: Address | None = None
        hashes: dict[Algorithm, str] = {}
        told = False
        for target, place in self.persons:
            cell = unescape_formula(row.cells[place].strip())
            if not cell:
                continue
            told = True
            read = self._read(cell, HASHES.get(target) or named)
            if read is UNSEEN:
                problem(target, UNSEEN)  # and whoever has the address as it is seen is stopped
                read = self._read(as_seen(cell), named)
            if isinstance(read, Fault):
                problem(target, read)
            elif isinstance(read, Address):
                address = read
            else:
                hashes[read[0]] = read[1]
        if not told:
            problem(self.persons[0][0], NOTHING)
        if address is not None:
            for algorithm, digest in hashes.items():
                if digest not in _digests(address, algorithm):
                    problem(None, OF_ANOTHER_ADDRESS)
        best = next((one for one in _STRONGEST_FIRST if one in hashes), None)
        return address, None if best is None else reserved(best, hashes[best])

    def _read(self, cell: str, named: Algorithm | None) -> Address | tuple[Algorithm, str] | Fault:
        if cell.startswith("# "):
            return REMARK
        if "@" in cell:
            address = read_address(cell, self.world.domains)
            return NOTHING if address is MISSING else address
        digest = cell.lower().removeprefix("0x")
        if not _HEX.fullmatch(digest):
            return NO_HASH
        algorithm = _OF_LENGTH.get(len(digest))
        if algorithm is None:
            return WRONG_LENGTH
        return OF_ANOTHER_ALGORITHM if named not in (None, algorithm) else (algorithm, digest)


def _stop(
    row: Row,
    address: Address | None,
    hashed: str | None,
    kind: SuppressionKind | Fault,
    problems: Sequence[RowProblem],
) -> Entry | None:
    """What a faulty row says all the same of whom it names: stop, from now on and in the whole tenant."""
    if (address is None and hashed is None) or any(one.code in WITHOUT_ENTRY for one in problems):
        return None
    return Entry(
        row.number,
        row.line,
        row.cells,
        None if address is None else address.match,
        None if address is None else address.written,
        None if address is not None else hashed,
        SuppressionKind.UNSUBSCRIBE if isinstance(kind, Fault) else kind,
        None,
        None,
    )


def _digests(address: Address, algorithm: Algorithm) -> set[str]:
    return {
        hashlib.new(algorithm, text.encode(), usedforsecurity=False).hexdigest()
        for text in (address.written.lower(), address.match)
    }


@lru_cache(maxsize=1024)
def _algorithm(cell: str) -> Algorithm | Fault | None:
    word = re.sub(r"[\W_]+", "", cell).lower()
    return _NAMES.get(word, ALGORITHM_UNKNOWN) if word else None


@lru_cache(maxsize=4096)
def _kind(cell: str) -> SuppressionKind | Fault:
    word = re.sub(r"[\W_]+", "", plain(one_line(cell)))
    return _KINDS.get(word, REASON_UNKNOWN) if word else SuppressionKind.UNSUBSCRIBE
