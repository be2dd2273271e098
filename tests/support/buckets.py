"""A server that speaks S3, on this machine, with a bucket for each test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import obstore
from moto.server import ThreadedMotoServer
from obstore.store import S3Store

from adapters.mirrors.settings import BucketSettings

KEY, SECRET = "bucket-key", "bucket-secret"


@dataclass(frozen=True, slots=True)
class BucketServer:
    """Where it is."""

    url: str

    def told(self, **more: Any) -> dict[str, Any]:
        """The settings of a fresh bucket, as an installation's owner writes them."""
        name = f"bucket-{uuid4().hex[:12]}"
        httpx.put(f"{self.url}/{name}").raise_for_status()
        return {
            "bucket": name,
            "endpoint": self.url,
            "access_key_id": KEY,
            "secret_access_key": SECRET,
            **more,
        }

    def bucket(self, **more: Any) -> BucketSettings:
        """The same as they are read."""
        return BucketSettings.model_validate(self.told(**more))

    def objects(self, name: str) -> dict[str, bytes]:
        """What is in a bucket."""
        store = S3Store(
            name,
            endpoint=self.url,
            access_key_id=KEY,
            secret_access_key=SECRET,
            client_options={"allow_http": True},
        )
        keys = [one["path"] for page in obstore.list(store) for one in page]
        return {key: bytes(obstore.get(store, key).bytes()) for key in keys}


@contextmanager
def bucket_server() -> Iterator[BucketServer]:
    """A server, until the end."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield BucketServer(f"http://{host}:{port}")
    finally:
        server.stop()
