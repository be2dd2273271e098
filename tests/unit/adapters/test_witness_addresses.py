"""Which witnesses a setting names, and which addresses they may be at."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from pydantic import ValidationError

from adapters.keys.ed25519 import public_key
from adapters.witnesses.http import HttpWitness
from adapters.witnesses.settings import read_witnesses
from api.settings import Settings
from application.ports.witnesses import Answered
from domain.audit.notes import SignatureType, VerifierKey
from domain.audit.witnessing import MOST_BYTES


def key(number: int, kind: SignatureType = SignatureType.COSIGNATURE, name: str | None = None) -> VerifierKey:
    return VerifierKey(name or f"w.test/{number}", kind, public_key(bytes([number]) * 32))


def test_witnesses_are_read_with_their_addresses() -> None:
    text = f" {key(1)} https://w.test/one/ ,\n{key(2)}  http://127.0.0.1:8421,"
    assert [(str(one.key), one.url) for one in read_witnesses(text)] == [
        (str(key(1)), "https://w.test/one"),
        (str(key(2)), "http://127.0.0.1:8421"),
    ]
    assert read_witnesses(" , ") == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{key(1)}", "a space and its address"),
        (f"https://w.test {key(1)}", "a space and its address"),
        ("w.test/1+00000000+AAAA https://w.test", "w.test/1"),
        (f"{key(1)} http://w.test", "else https"),
        (f"{key(1)} http://8.8.8.8", "else https"),
        (f"{key(1)} https://user:secret@w.test", "or a user"),
        (f"{key(1)} https://w.test:99999", "Port out of range"),
        (f"{key(1)} https://w.test, {key(1)} https://v.test", "count twice"),
        (f"{key(1)} https://w.test, {key(1, name='v')} https://v.test", "count twice"),
        (f"{key(1)} https://w.test, {key(2, name='w.test/1')} https://v.test", "count twice"),
        (f"{key(1, SignatureType.ED25519)} https://w.test", "of type 0x04"),
        (",".join(f"{key(n)} https://w.test" for n in range(17)), "at most 16"),
    ],
)
def test_what_names_no_witness_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Settings(witnesses=text)


def test_no_more_are_asked_for_than_there_are() -> None:
    two = f"{key(1)} https://w.test, {key(2)} https://v.test"
    assert Settings(witnesses=two).quorum.least == 2
    assert Settings(witnesses=two, witness_quorum=1).quorum.least == 1
    assert Settings().quorum.least == 0
    with pytest.raises(ValidationError, match="Of 2 witnesses 3 cannot be asked for"):
        Settings(witnesses=two, witness_quorum=3)


async def test_a_name_of_this_network_is_not_asked() -> None:
    witness = HttpWitness("https://localhost:1")
    assert await witness.add_checkpoint(b"") == Answered(None, "address-refused")
    await witness.close()


@asynccontextmanager
async def stranger(*, drips: bool) -> AsyncIterator[str]:
    """The address of somebody who never says a header to the end, or says what is no HTTP."""
    ended, handlers = asyncio.Event(), list[asyncio.Task[None] | None]()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handlers.append(asyncio.current_task())
        await reader.readline()
        writer.write(b"HTTP/1.1 200 OK\r\nX-A: " if drips else b"hello\r\n\r\n")
        while drips and not ended.is_set():
            writer.write(b"a")
            await asyncio.sleep(0.02)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        ended.set()
        await asyncio.gather(*filter(None, handlers))


@pytest.mark.parametrize(("drips", "trouble"), [(True, "time-out"), (False, "not-http")])
async def test_a_stranger_is_given_up(*, drips: bool, trouble: str) -> None:
    async with stranger(drips=drips) as url:
        witness = HttpWitness(url, time_out=0.5)
        assert await witness.add_checkpoint(b"x" * MOST_BYTES) == Answered(None, trouble)
        await witness.close()


async def test_nobody_there_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    witness = HttpWitness(f"http://127.0.0.1:{port}")
    assert await witness.add_checkpoint(b"x") == Answered(None, "unreachable")
    await witness.close()
