"""All objects of the fake, their clocks, and the events that tell of every change to them."""

from __future__ import annotations

import copy
import json
import os
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from adapters.stripe.fake.problems import missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Json: TypeAlias = dict[str, Any]

API_VERSION: Final = "2026-10-28.endive"

PREFIXES: Final = {
    "customer": "cus",
    "product": "prod",
    "price": "price",
    "coupon": "",
    "promotion_code": "promo",
    "discount": "di",
    "tax_rate": "txr",
    "payment_method": "pm",
    "subscription": "sub",
    "subscription_item": "si",
    "subscription_schedule": "sub_sched",
    "invoice": "in",
    "invoiceitem": "ii",
    "line_item": "il",
    "invoice_payment": "inpay",
    "payment_intent": "pi",
    "charge": "ch",
    "refund": "re",
    "dispute": "du",
    "balance_transaction": "txn",
    "checkout.session": "cs_test",
    "billing_portal.session": "bps",
    "billing.meter": "mtr_test",
    "billing.meter_event": "mev",
    "test_helpers.test_clock": "clock",
    "webhook_endpoint": "we",
    "event": "evt",
}


_LINES: Final = 10
_REDEEMED: Final = ("coupon", "promotion_code")


def cut(invoice: Json) -> None:
    """Only the first lines stand in an invoice; the others are asked for."""
    lines = invoice["lines"]
    lines["has_more"] = len(lines["data"]) > _LINES
    lines["data"] = lines["data"][:_LINES]


class World:
    """Objects by kind and id. What begins with an underscore is the fake's own note and is shown to nobody."""

    def __init__(self, wall: Callable[[], float], file: Path | None = None) -> None:
        """`wall`: the time outside; `file`: where the state is kept from one start to the next."""
        self._wall = wall
        self._file = file
        self.kinds: dict[str, dict[str, Json]] = {kind: {} for kind in PREFIXES}
        self.answers: dict[str, Json] = {}
        self.deliveries: list[Json] = []
        self.failures: list[Json] = []
        self.settings: Json = {"retry_days": [3, 5, 7], "after_retries": "unpaid", "draft_seconds": 3600}
        self.stirred: set[str | None] = set()
        """Test clocks by which something is due though they stand still."""
        self._offset = 0
        self._count = 0
        self._acting: int | None = None
        self.request: tuple[str | None, str | None] = (None, None)
        if file is not None and file.exists():
            self._load(json.loads(file.read_text(encoding="utf-8")))

    # Time

    def outside(self) -> int:
        """The moment by the machine's clock, whatever was skipped: that of whoever is told of something."""
        return int(self._wall())

    def wall(self) -> int:
        """The moment outside, moved on by what `skip` was told."""
        return self.outside() + self._offset

    def skip(self, seconds: int) -> None:
        """Let time outside test clocks jump ahead."""
        self._offset += seconds

    def now(self, clock: str | None = None) -> int:
        """The moment for objects of a test clock, or for those without."""
        if clock is not None:
            return int(self.kinds["test_helpers.test_clock"][clock]["frozen_time"])
        return self._acting if self._acting is not None else self.wall()

    @contextmanager
    def acting_at(self, moment: int) -> Iterator[None]:
        """What is done within happens at that moment, for objects without a test clock."""
        before, self._acting = self._acting, moment
        try:
            yield
        finally:
            self._acting = before

    # Objects

    def fresh(self, kind: str) -> str:
        """An id that nothing has."""
        return f"{PREFIXES[kind]}_{secrets.token_hex(12)}".lstrip("_")

    def add(self, kind: str, fields: Json, *, ref: str | None = None, at: int | None = None) -> Json:
        """A new object; no event tells of it yet."""
        self._count += 1
        ref = ref or self.fresh(kind)
        made = {
            "id": ref,
            "object": kind,
            "created": self.now() if at is None else at,
            "livemode": False,
            **fields,
            "_n": self._count,
        }
        self.kinds[kind][ref] = made
        return made

    def get(self, kind: str, ref: str, param: str = "id") -> Json:
        """An object. Raises `Problem`."""
        found = self.kinds[kind].get(ref)
        if found is None or found.get("deleted"):
            raise missing(kind.replace("_", " ").replace("billing.", ""), ref, param)
        return found

    def all(self, kind: str, **fields: Any) -> list[Json]:
        """The objects of a kind with these values, oldest first."""
        return [
            one
            for one in self.kinds[kind].values()
            if all(one.get(name) == value for name, value in fields.items())
        ]

    # Events

    def tell(self, kind: str, about: Json, previous: Json | None = None) -> Json:
        """An event about an object as it is now, for every endpoint that wants it."""
        data: Json = {"object": self.public(about)}
        if about["object"] == "invoice":
            cut(data["object"])
        if previous is not None:
            data["previous_attributes"] = previous
        request, key = self.request
        event = self.add(
            "event",
            {
                "api_version": API_VERSION,
                "data": data,
                "pending_webhooks": 0,
                "request": {"id": request, "idempotency_key": key},
                "type": kind,
                "_customer": about.get("customer"),
            },
            at=self.now(self.clock_of(about)),
        )
        for endpoint in self.all("webhook_endpoint", status="enabled"):
            wanted = endpoint["enabled_events"]
            if "*" in wanted or kind in wanted:
                event["pending_webhooks"] += 1
                self.deliveries.append(
                    {"endpoint": endpoint["id"], "event": event["id"], "attempt": 0, "due": self.wall()}
                )
        return event

    @contextmanager
    def changing(self, about: Json, kind: str | None) -> Iterator[None]:
        """Tell of what changes within, if anything does. `kind`: the type of the event; None: tell nobody."""
        before = self.public(about)
        yield
        after = self.public(about)
        changed = {name: before.get(name) for name, value in after.items() if before.get(name) != value}
        if changed and kind is not None:
            self.tell(kind, about, changed)

    def clock_of(self, about: Json) -> str | None:
        """The test clock that an object lives by."""
        if about.get("test_clock"):
            return str(about["test_clock"])
        if about["object"] == "test_helpers.test_clock":
            return str(about["id"])
        customer = (
            about["id"] if about["object"] == "customer" else about.get("customer", about.get("_customer"))
        )
        found = self.kinds["customer"].get(customer or "")
        return found.get("test_clock") if found else None

    def public(self, one: Any) -> Any:
        """What is shown of an object, nothing expanded."""
        if isinstance(one, dict):
            return {name: self.public(value) for name, value in one.items() if not name.startswith("_")}
        if isinstance(one, list):
            return [self.public(value) for value in one]
        return one

    # Keeping

    @property
    def count(self) -> int:
        """How many objects there ever were."""
        return self._count

    def save(self) -> None:
        """Keep the state, if it is to be kept."""
        if self._file is None:
            return
        state = {
            "kinds": self.kinds,
            "answers": self.answers,
            "deliveries": self.deliveries,
            "settings": self.settings,
            "offset": self._offset,
            "count": self._count,
        }
        beside = self._file.with_suffix(".new")
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(state, file)
        beside.replace(self._file)

    def _load(self, state: Json) -> None:
        self.kinds |= state["kinds"]
        self.answers = state["answers"]
        self.deliveries = state["deliveries"]
        self.settings |= state["settings"]
        self._offset = state["offset"]
        self._count = state["count"]

    def copied(self, customer: str | None = None) -> World:
        """A world like this one, to try something out in that this one does not see.

        `customer`: whose things may change there; those of others are the same objects. None: anything may.
        """

        def own(kind: str, one: Json) -> bool:
            owners = (one["id"], one.get("customer"), one.get("_customer"))
            return customer is None or kind in _REDEEMED or customer in owners

        other = World(self._wall)
        other.kinds |= {
            kind: {ref: copy.deepcopy(one) if own(kind, one) else one for ref, one in found.items()}
            for kind, found in self.kinds.items()
            if kind not in ("event", "webhook_endpoint")
        }
        other.settings = dict(self.settings)
        other._offset = self._offset
        other._count = self._count
        other._acting = self._acting
        return other
