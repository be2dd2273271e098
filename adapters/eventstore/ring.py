"""The ciphers at hand, by subject key."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from application.ports.keys import KeyStore, SubjectKey

CIPHERS_KEPT: Final = 16_000
"""A cipher takes 2.5 KB, so many 40 MB: the largest part of what a process holds after a long import."""


class SubjectErased(LookupError):
    """The data subject was erased: nothing personal can be recorded about it any more."""


class Ring:
    """Ciphers by subject key, at most `limit` of them, dropped when any key was destroyed; safe for threads."""

    def __init__(self, keys: KeyStore, limit: int = CIPHERS_KEPT) -> None:
        """Draw from `keys`."""
        self._keys = keys
        self._limit = limit
        self._lock = threading.Lock()
        self._generation = keys.generation()
        self._ciphers: OrderedDict[SubjectKey, AESGCM | None] = OrderedDict()

    def missing(self, keys: Iterable[SubjectKey]) -> list[SubjectKey]:
        """Those of `keys` that are not at hand, after a look at the store's generation."""
        self._check_generation()
        return [key for key in keys if self._ciphers.get(key) is None]

    def open(self, keys: Iterable[SubjectKey]) -> dict[SubjectKey, AESGCM | None]:
        """Ciphers of the keys that live; None for destroyed ones. Looks at the store's generation first."""
        self._check_generation()
        result, absent = self._at_hand(keys)
        generation = self._generation
        found = self._keys.find(absent) if absent else {}
        fresh = {key: AESGCM(found[key]) if key in found else None for key in absent}
        self._keep(fresh, generation)
        return {**result, **fresh}

    def make(self, keys: Iterable[SubjectKey]) -> dict[SubjectKey, AESGCM]:
        """Ciphers of the keys, made where they were missing. Raises `SubjectErased`."""
        at_hand, absent = self._at_hand(keys)
        result = {key: cipher for key, cipher in at_hand.items() if cipher is not None}
        absent += [key for key, cipher in at_hand.items() if cipher is None]
        if absent:
            generation = self._generation
            found = self._keys.obtain(absent)
            if len(found) < len(absent):
                raise SubjectErased(SubjectErased.__doc__)
            fresh = {key: AESGCM(material) for key, material in found.items()}
            self._keep(fresh, generation)
            result |= fresh
        return result

    def _check_generation(self) -> None:
        generation = self._keys.generation()
        if generation != self._generation:
            with self._lock:
                self._ciphers.clear()
                self._generation = generation

    def _at_hand(
        self, keys: Iterable[SubjectKey]
    ) -> tuple[dict[SubjectKey, AESGCM | None], list[SubjectKey]]:
        wanted = dict.fromkeys(keys)
        with self._lock:
            at_hand = {key: self._ciphers[key] for key in wanted if key in self._ciphers}
        return at_hand, [key for key in wanted if key not in at_hand]

    def _keep(self, fresh: Mapping[SubjectKey, AESGCM | None], generation: int) -> None:
        with self._lock:
            if generation != self._generation:
                return  # something was destroyed meanwhile, perhaps one of these
            self._ciphers.update(fresh)
            while len(self._ciphers) > self._limit:
                self._ciphers.popitem(last=False)
