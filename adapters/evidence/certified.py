"""What a permission certificate shows of one message: who decided, by which law, on what, and that it was before.

It is told from proven events alone. A certificate is a bundle whose question names a message. Which events it needs is
its maker's word; what they say is the log's. So nothing here is taken from the question but the message's id, and where
an event that another one names is not there, that is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Self
from uuid import UUID

from adapters.evidence import format as named
from adapters.evidence.entries import (
    DECIDED,
    DISPATCHED,
    FACTS,
    MOST_TOLD,
    STOPS,
    Entry,
    listed,
    missing,
    numbers,
    objects,
    said,
    spans,
)
from adapters.evidence.files import Files
from adapters.evidence.rulebooks import Rulebooks, in_words
from adapters.evidence.verdict import Verdict

MOST_ENTRIES: Final = 20_000
"""A person's stream grows by two events a message."""

_ALLOW: Final = "allow"
_NO_ALLOW: Final = "the decision it was handed over under is none that allows this message"


class Certificate:
    """The events of a certificate while they go by."""

    def __init__(self, message: str, files: Files, verdict: Verdict) -> None:
        """Wait for what is about this message."""
        self._message, self._verdict = message, verdict
        self._books = Rulebooks(files, verdict)
        self._streams: dict[str, dict[int, Entry]] = {}
        self._about: dict[str, list[int]] = {}
        self._held = 0
        self._told = False

    @classmethod
    def asked(cls, files: Files, verdict: Verdict) -> Self | None:
        """The certificate that a bundle says it is; None where it is none."""
        asked = files.manifest.asked
        told = asked.get(named.CERTIFICATE) if isinstance(asked, dict) else None
        message = told.get("message") if isinstance(told, dict) else None
        try:
            return cls(str(UUID(message)), files, verdict) if isinstance(message, str) else None
        except ValueError:
            return None

    def take(self, event: Mapping[str, Any]) -> None:
        """One more event."""
        entry = Entry.of(event, self._message)
        self._held += 1
        if entry is None or self._held > MOST_ENTRIES:
            return
        self._streams.setdefault(event["stream"], {})[entry.version] = entry
        if entry.name in {DECIDED, DISPATCHED} and entry.plain.get("message_id") == self._message:
            self._about.setdefault(event["stream"], []).append(entry.version)

    def end(self) -> None:
        """Say that nothing is shown, where no log was there to show it."""
        if not self._told:
            self._verdict.unjudged.append(
                "It says that it is a certificate, and holds nothing of the log of events."
            )

    def tell(self, *, proven: bool) -> None:
        """Say what they show. `proven`: the events are those of a signed tree."""
        verdict, self._told = self._verdict, True
        if not proven:
            verdict.not_proven.append(
                f"What is told here of the message {self._message}: its events are not shown to be the log's."
            )
        elif self._held > MOST_ENTRIES:
            verdict.unjudged.append(
                f"A certificate has at most {MOST_ENTRIES:,} events, and this one has more."
            )
        elif len(self._about) != 1:
            what = "no decision on" if not self._about else "decisions on several people for"
            verdict.unjudged.append(f"The certificate holds {what} the message {self._message}.")
        else:
            ((stream, versions),) = self._about.items()
            self._tell(stream, self._streams[stream], versions)

    def _tell(self, stream: str, entries: Mapping[int, Entry], versions: Sequence[int]) -> None:
        decisions = [entries[one] for one in versions if entries[one].name == DECIDED]
        gone = [entries[one] for one in versions if entries[one].name == DISPATCHED]
        last = entries[max(versions)]
        shows, verdict = self._verdict.shows, self._verdict
        if not decisions:
            verdict.unjudged.append(
                f"The message {self._message} was handed over at position {last.position}; its decision is not here."
            )
            return
        shows.append(self._about_message(stream, decisions[-1]))
        rests_on: dict[int, None] = {}
        for decision in decisions[-MOST_TOLD:]:
            shows.append(_decided(decision))
            for reason in objects(decision.plain.get("reasons")):
                shows.append(self._because(decision, reason))
                rests_on |= dict.fromkeys(numbers(reason.get("entries")))
        self._rests(entries, rests_on)
        self._stops(entries, last, rests_on)
        for one in gone:
            self._handed_over(entries, one)
        if not gone:
            shows.append(
                f"Up to position {last.position} it was not handed over: the last decision is above."
            )
            verdict.not_proven.append(
                f"That it was not handed over after position {last.position}: what came later is not here."
            )
        if left_out := missing(entries, last.version):
            verdict.not_proven.append(
                f"What entries {spans(left_out)} of {said(stream)} say, which were left out: by the word of whoever"
                " made the certificate they decide on other messages, or hand them over."
            )
        else:
            shows.append(
                f"All entries of {said(stream)} up to there are here, 1 to {last.version}: none was left out."
            )
        verdict.not_proven += [
            "Who the person is, and what sealed values say: a disclosure (--disclosure) shows them one by one.",
            "That what was entered is true, that the pack is what the law says, or what the message said.",
        ]

    def _about_message(self, stream: str, decision: Entry) -> str:
        message = decision.plain.get("message")
        told = message if isinstance(message, dict) else {}
        kind = f", for {said(told.get('purpose', 'an unknown purpose'))}"
        if told.get("campaign_type") is not None:
            kind += f" ({said(told['campaign_type'])})"
        workspace = said(decision.plain.get("workspace_id", "unknown"))
        return f"It is about the message {self._message} of workspace {workspace}, to {said(stream)}{kind}."

    def _because(self, decision: Entry, reason: Mapping[str, Any]) -> str:
        law, rule, packs = reason.get("law"), said(reason.get("rule")), decision.plain.get("packs")
        words = f"By no law's, but the product's own rule {rule}"
        basis = about = cites = None
        if isinstance(law, str):
            version = packs.get(law) if isinstance(packs, dict) else None
            words = f"By law {said(law)}, pack {said(version)}, rule {rule}"
            book = self._books.of(law, version) if isinstance(version, str) else None
            day = _moment(decision.plain.get("decided_at"))
            if book is not None and day is not None:
                basis, about, cites = in_words(book, rule, day.date())
        words += f": {said(reason.get('verdict'))}"
        if basis is not None:
            words += f", on the basis {basis!r}"
        entries, lacking = numbers(reason.get("entries")), reason.get("missing")
        if entries:
            words += f", resting on entry {listed(entries)}"
        if lacking:
            words += f", for want of {', '.join(lacking)}"
        if reason.get("until") is not None:
            words += f", until {said(reason['until'])}"
        return f"{words}." + "".join(f" {one}" for one in (about, cites and f"({cites})") if one)

    def _rests(self, entries: Mapping[int, Entry], rests_on: Mapping[int, None]) -> None:
        for version in sorted(rests_on)[:MOST_TOLD]:
            entry = entries.get(version)
            if entry is None:
                self._verdict.not_proven.append(
                    f"What entry {version} says that a decision rests on: it is not here."
                )
            else:
                self._verdict.shows.append(str(entry))

    def _stops(self, entries: Mapping[int, Entry], last: Entry, told: Mapping[int, None]) -> None:
        """What was known of the person, and what stood against mail to them or ended that, before the last word."""
        facts = [one for one in entries.values() if one.name in FACTS and one.version < last.version]
        self._tell_entries(facts, told)
        stops = [one for one in entries.values() if one.name in STOPS and one.version < last.version]
        if not stops:
            self._verdict.shows.append(
                f"Of the entries before entry {last.version} that are here, none stops mail to the person or takes a"
                " consent back."
            )
        self._tell_entries(stops, told)

    def _tell_entries(self, entries: Iterable[Entry], told: Mapping[int, None]) -> None:
        """Those of some entries that were not told before, the newest of very many."""
        new = sorted((one for one in entries if one.version not in told), key=lambda one: one.version)
        self._verdict.shows += [str(one) for one in new[-MOST_TOLD:]]

    def _handed_over(self, entries: Mapping[int, Entry], gone: Entry) -> None:
        verdict, allowed_by = self._verdict, gone.plain.get("allowed_by")
        allow = entries.get(allowed_by) if type(allowed_by) is int else None
        if allow is None:
            verdict.unjudged.append(
                f"The message was handed over at position {gone.position} under entry {said(allowed_by)}, which is not"
                " here: that it was decided before is not shown."
            )
            return
        fault = self._fault(allow, gone)
        if fault is not None:
            verdict.wrong.append(f"The message was handed over at position {gone.position}, and {fault}.")
            return
        between = gone.version - allow.version - 1
        verdict.shows.append(
            f"Handed over at {said(gone.plain.get('occurred_at'))}, {gone.place}, under the decision of position"
            f" {allow.position}, which stands before it. "
            + (
                f"Of the person's entries {between} lie between the two, and it was not decided anew on them."
                if between
                else "Between the two nothing was entered of the person."
            )
        )

    def _fault(self, allow: Entry, gone: Entry) -> str | None:
        """Why a message was not allowed before it was handed over; positions are the order, whatever clocks showed."""
        if (allow.name, allow.plain.get("verdict"), allow.plain.get("message_id")) != (
            DECIDED,
            _ALLOW,
            self._message,
        ):
            return _NO_ALLOW
        if not (allow.position < gone.position and allow.version < gone.version):
            return "it was decided on only after that"
        ends, at = _moment(allow.plain.get("expires_at")), _moment(gone.plain.get("occurred_at"))
        if ends is None or at is None or at >= ends:
            return "its allow had ended by then"
        return None


def _decided(decision: Entry) -> str:
    plain = decision.plain
    until = f", until {said(plain['expires_at'])}" if "expires_at" in plain else ""
    return (
        f"Decided at {said(plain.get('decided_at'))} by {decision.who}, {decision.place}, as entry"
        f" {decision.version}: {said(plain.get('verdict'))}{until}."
    )


def _moment(value: object) -> datetime | None:
    try:
        read = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return read if read is not None and read.tzinfo is not None else None
