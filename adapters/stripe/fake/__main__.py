"""`python -m adapters.stripe.fake`: the fake as a process of its own, for development, on this machine alone."""

from __future__ import annotations

import argparse
import sys
import time
from ipaddress import ip_address
from pathlib import Path

import uvicorn

from adapters.stripe.fake.app import Fake
from adapters.stripe.fake.serving import served
from adapters.stripe.fake.world import World


def _loopback(text: str) -> str:
    if not ip_address(text).is_loopback:
        raise argparse.ArgumentTypeError("the fake listens on this machine alone: give a loopback address")
    return text


def _test_key(text: str) -> str:
    if not text.startswith("sk_test_"):
        raise argparse.ArgumentTypeError("give a key of test mode, sk_test_...: the fake moves no money")
    return text


def main(arguments: list[str] | None = None) -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m adapters.stripe.fake", description=__doc__)
    parser.add_argument("--host", type=_loopback, default="127.0.0.1")
    parser.add_argument("--port", type=int, default=12111)
    parser.add_argument("--key", type=_test_key, help="the secret key it takes; without one any of test mode")
    parser.add_argument("--state", type=Path, help="file that keeps its state from one start to the next")
    given = parser.parse_args(arguments)
    fake = Fake(World(time.time, given.state), key=given.key)

    uvicorn.run(served(fake), host=given.host, port=given.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main(sys.argv[1:])
