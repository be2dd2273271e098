"""Mirrors in S3-compatible buckets: `<prefix>/<tenant>/<folder>/<path>`, each file one object.

What never changes is put there on the condition that it is not there yet (If-None-Match), so that two who post at once
overwrite nothing either. Nothing is ever deleted: a key that may only read and put is enough.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)
from obstore.store import S3Store

from application.ports.mirrors import HoldsAnother, PlaceTrouble, PlaceUnusable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from obstore.store import S3Config

    from adapters.mirrors.settings import BucketSettings
    from application.ports.mirrors import Place

_TIME_OUT: Final = "20s"
_RETRIES: Final = 2


class BucketMirrors:
    """Implements `Mirrors`, for places in a bucket."""

    def __init__(self, buckets: Mapping[str, BucketSettings]) -> None:
        """`buckets` by the names that postings call them."""
        self._buckets = buckets
        self._stores: dict[str, S3Store] = {}
        self._lock = threading.Lock()

    def read(self, place: Place, path: str) -> bytes | None:
        """See `Mirrors.read`."""
        store, name = self._at(place, path)
        with _told():
            try:
                return bytes(obstore.get(store, name).bytes())
            except FileNotFoundError:
                return None

    def create(self, place: Place, path: str, content: bytes) -> None:
        """See `Mirrors.create`."""
        store, name = self._at(place, path)
        there = self.read(place, path)  # not every store that speaks S3 knows the condition
        if there is None:
            with _told():
                try:
                    obstore.put(store, name, content, mode="create")
                except (AlreadyExistsError, PreconditionError):
                    there = bytes(obstore.get(store, name).bytes())
        if there not in (None, content):
            raise HoldsAnother(path)

    def replace(self, place: Place, path: str, content: bytes) -> None:
        """See `Mirrors.replace`."""
        store, name = self._at(place, path)
        with _told():
            obstore.put(store, name, content)

    def _at(self, place: Place, path: str) -> tuple[S3Store, str]:
        """The store of a place, and the object's name in it."""
        settings = self._buckets.get(place.bucket or "")
        if settings is None or place.bucket is None:
            raise PlaceUnusable(PlaceTrouble.NOT_SET_UP)
        with self._lock:
            store = self._stores.get(place.bucket)
            if store is None:
                store = self._stores[place.bucket] = _store(settings)
        parts = (settings.prefix, str(place.tenant_id), place.folder, path)
        return store, "/".join(part for part in parts if part)


def _store(settings: BucketSettings) -> S3Store:
    config: S3Config = {
        "region": settings.region,
        "access_key_id": settings.access_key_id.get_secret_value(),
        "secret_access_key": settings.secret_access_key.get_secret_value(),
        "virtual_hosted_style_request": settings.virtual_hosted,
    }
    if settings.endpoint is not None:
        config["endpoint"] = settings.endpoint
    if settings.session_token is not None:
        config["session_token"] = settings.session_token.get_secret_value()
    plain = settings.endpoint is not None and settings.endpoint.startswith("http://")
    return S3Store(
        settings.bucket,
        config=config,
        client_options={"allow_http": plain, "timeout": _TIME_OUT, "connect_timeout": _TIME_OUT},
        retry_config={"max_retries": _RETRIES},
    )


@contextmanager
def _told() -> Iterator[None]:
    """Say in a word what a store failed by: its own words repeat addresses and names of objects."""
    try:
        yield
    except (PermissionDeniedError, UnauthenticatedError, FileNotFoundError):
        raise PlaceUnusable(PlaceTrouble.DENIED) from None
    except BaseError:
        raise PlaceUnusable(PlaceTrouble.UNREACHABLE) from None
