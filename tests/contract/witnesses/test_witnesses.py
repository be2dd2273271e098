"""One suite for witnesses over HTTP: ours as a process, and one that was written from the specification's text."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import httpx
import pytest

from adapters.keys.ed25519 import verify
from adapters.witnesses.http import HttpWitness
from application.ports.witnesses import Answered
from domain.audit.notes import Note, VerifierKey
from domain.audit.witnessing import Found, Quorum, cosignature_in
from tests.support.naive_witness import NaiveWitness, naive_witness
from tests.support.note_verifier import verified
from tests.support.witnesses import INSTALLATION, Log, configured, running_witness

_NUMBERS = itertools.count()


@dataclass
class Asked:
    """A witness that is asked, and our client to it."""

    url: str
    vkey: str
    client: HttpWitness
    naive: NaiveWitness | None

    def log(self, size: int = 0) -> Log:
        """A fresh log that it knows."""
        made = Log(f"{INSTALLATION}/{next(_NUMBERS)}/events/1")
        made.grow(size)
        if self.naive is not None:
            self.naive.trusted[made.origin] = str(made.vkey)
        return made

    async def add(self, log: Log, old: int, size: int, from_size: int | None = None) -> Answered:
        return await self.client.add_checkpoint(log.request(old, size, from_size))


@pytest.fixture(scope="module", params=["ours", "naive"])
def witness(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, str, NaiveWitness | None]]:
    with ExitStack() as held:
        if request.param == "ours":
            folder = configured(tmp_path_factory.mktemp("witness"))
            ours = held.enter_context(running_witness(folder))
            yield ours.url, ours.vkey, None
        else:
            naive = held.enter_context(naive_witness())
            yield naive.url, naive.vkey, naive


@pytest.fixture
async def asked(witness: tuple[str, str, NaiveWitness | None]) -> AsyncIterator[Asked]:
    url, vkey, naive = witness
    client = HttpWitness(url)
    yield Asked(url, vkey, client, naive)
    await client.close()


async def test_a_log_is_cosigned_as_it_grows(asked: Asked) -> None:
    log = asked.log(70)
    for old, size in itertools.pairwise([0, 1, 2, 3, 7, 8, 33, 70]):
        answer = await asked.add(log, old, size)
        assert answer.found is Found.CONSISTENT
        note = log.note(size) + answer.body
        assert verified(note, str(log.vkey), asked.vkey).keys() == {log.origin, asked.vkey.partition("+")[0]}
        key = VerifierKey.read(asked.vkey)
        signature, at = cosignature_in(answer.body, log.text(size), key, verify)
        assert at > 1_700_000_000
        told = Quorum.of([key]).judged(Note.read(log.note(size)).with_signature(signature), verify)
        assert told.reached
        assert not Quorum.of([key]).judged(Note.read(log.note(size)), verify).reached


async def test_what_was_cosigned_is_cosigned_again(asked: Asked) -> None:
    log = asked.log(5)
    assert (await asked.add(log, 0, 5)).found is Found.CONSISTENT
    again = await asked.add(log, 5, 5)
    assert again.found is Found.CONSISTENT
    assert again.body


async def test_an_empty_log_is_cosigned(asked: Asked) -> None:
    log = asked.log(3)
    assert (await asked.add(log, 0, 0)).found is Found.CONSISTENT
    assert (await asked.add(log, 0, 3)).found is Found.CONSISTENT


async def test_another_old_size_is_answered_with_what_was_cosigned(asked: Asked) -> None:
    log = asked.log(9)
    assert (await asked.add(log, 4, 9)) == Answered(Found.OTHER_SIZE, size=0)
    await asked.add(log, 0, 6)
    for old in (0, 4, 7):
        assert (await asked.add(log, old, 9)) == Answered(Found.OTHER_SIZE, size=6)
    assert (await asked.add(log, 0, 5)) == Answered(Found.OTHER_SIZE, size=6)
    assert (await asked.add(log, 6, 9)).found is Found.CONSISTENT


async def test_two_pasts_are_never_cosigned(asked: Asked) -> None:
    log = asked.log(8)
    other = log.fork(5)
    other.grow(12, "otherwise")
    assert (await asked.add(log, 0, 8)).found is Found.CONSISTENT
    assert (await asked.add(other, 8, 8)) == Answered(Found.TWO_ROOTS)
    for size in (9, 12):
        assert (await asked.add(other, 8, size)) == Answered(Found.NOT_PROVEN)
    assert (await asked.add(other, 0, 12)) == Answered(Found.OTHER_SIZE, size=8)


async def test_a_proof_from_elsewhere_is_refused(asked: Asked) -> None:
    log = asked.log(12)
    await asked.add(log, 0, 5)
    assert (await asked.add(log, 5, 12, from_size=6)) == Answered(Found.NOT_PROVEN)
    assert (await asked.add(log, 5, 12, from_size=12)) == Answered(Found.NOT_PROVEN)
    fresh = asked.log(12)
    assert (await asked.add(fresh, 0, 12, from_size=5)) == Answered(Found.NOT_PROVEN), (
        "of nothing there is no proof"
    )


async def test_an_unknown_log_and_a_wrong_key_are_told_apart(asked: Asked) -> None:
    unknown = Log("elsewhere.test/1/events/1")
    unknown.grow(3)
    assert (await asked.add(unknown, 0, 3)) == Answered(Found.UNKNOWN_LOG)
    log = asked.log(3)
    log.seed = bytes(32)
    assert (await asked.add(log, 0, 3)) == Answered(Found.NOT_SIGNED)


async def test_an_old_size_above_the_new_is_no_request(asked: Asked) -> None:
    log = asked.log(6)
    await asked.add(log, 0, 6)
    assert (await asked.add(log, 6, 4)) == Answered(Found.MALFORMED)


_ONE_HASH = b"A" * 43 + b"=\n"


@pytest.mark.parametrize(
    ("part", "instead"),
    [
        pytest.param(b"old 0", b"old 00", id="leading zero"),
        pytest.param(b"old 0", b"old -1", id="negative"),
        pytest.param(b"old 0", b"new 0", id="other word"),
        pytest.param(b"old 0\n", b"old 0\nnot base64\n", id="no hash"),
        pytest.param(b"old 0\n", b"old 0\n" + _ONE_HASH * 64, id="too many"),
        pytest.param(b"\n3\n", b"\nthree\n", id="size in words"),
        pytest.param(b"\n\n", b"\n", id="no empty line"),
    ],
)
async def test_what_is_no_request_is_400(asked: Asked, part: bytes, instead: bytes) -> None:
    body = asked.log(3).request(0, 3)
    assert part in body
    async with httpx.AsyncClient() as http:
        answer = await http.post(f"{asked.url}/add-checkpoint", content=body.replace(part, instead))
        assert answer.status_code == 400
        assert (await http.post(f"{asked.url}/add-checkpoint", content=b"")).status_code == 400


async def test_of_requests_at_once_one_past_is_cosigned(asked: Asked) -> None:
    log = asked.log(4)
    forks = [log.fork(2) for _ in range(8)]
    for number, fork in enumerate(forks):
        fork.grow(5 + number, f"fork {number}")
    clients = [HttpWitness(asked.url) for _ in forks]
    answers = await asyncio.gather(
        *(
            client.add_checkpoint(fork.request(0, 5 + n))
            for n, (client, fork) in enumerate(zip(clients, forks, strict=True))
        )
    )
    assert sorted(str(one.found) for one in answers) == ["consistent", *["other_size"] * 7]
    for client in clients:
        await client.close()
