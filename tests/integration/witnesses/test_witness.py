"""A witness of ours: what it keeps when it is killed, what it does not start with, and what it does not take."""

import signal
import sqlite3
import stat
import threading
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from adapters.witnesses.folder import KEY, MEMORY, Kept, opened
from adapters.witnesses.key import WitnessKeyUnusable
from api.ops.errors import CannotRun
from api.witness.app import create_app
from api.witness.limits import Rate
from api.witness.serving import witness_in
from api.witness.settings import FILE, WitnessSettings, read_settings
from domain.audit.witnessing import MOST_BYTES
from tests.support.note_verifier import verified
from tests.support.witnesses import INSTALLATION, Log, configured, running_witness


def log(size: int, number: int = 1) -> Log:
    made = Log(f"{INSTALLATION}/{number}/events/1")
    made.grow(size)
    return made


def in_process(settings: WitnessSettings, kept: Kept) -> httpx.AsyncClient:
    """A witness without a socket."""
    app = create_app(settings, kept)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://witness.test")


def post(url: str, body: bytes) -> httpx.Response:
    return httpx.post(f"{url}/add-checkpoint", content=body)


def test_what_was_answered_is_remembered_after_a_kill(tmp_path: Path) -> None:
    folder, asked = configured(tmp_path / "w"), log(40)
    other = asked.fork(9)
    other.grow(60, "otherwise")
    answered, stop = [0], threading.Event()

    def ask(url: str) -> None:
        for size in range(1, 41):
            try:
                answer = post(url, asked.request(answered[-1], size))
            except httpx.TransportError:
                return
            assert answer.status_code == 200
            answered.append(size)
            if size == 10:
                stop.set()

    with running_witness(folder) as first:
        asking = threading.Thread(target=ask, args=(first.url,))
        asking.start()
        assert stop.wait(20)
        first.process.send_signal(signal.SIGKILL)
        asking.join()
    with running_witness(folder) as again:
        assert again.vkey == first.vkey
        told = post(again.url, other.request(0, 60))
        assert told.status_code == 409
        assert told.headers["content-type"] == "text/x.tlog.size"
        assert int(told.text) in {answered[-1], answered[-1] + 1}, "at most the one whose answer was lost"
        assert post(again.url, other.request(int(told.text), 60)).status_code == 422
        assert post(again.url, asked.request(int(told.text), 40)).status_code == 200
        assert httpx.get(f"{again.url}/health").json() == {"status": "ok", "witness": again.vkey, "logs": 1}


async def test_what_proves_two_pasts_is_kept(tmp_path: Path) -> None:
    folder, asked = configured(tmp_path), log(3)
    other = asked.fork(1)
    other.grow(3, "otherwise")
    with witness_in(folder) as (settings, kept):
        http = in_process(settings, kept)
        assert (await http.post("/add-checkpoint", content=asked.request(0, 3))).status_code == 200
        for _ in range(2):
            assert (await http.post("/add-checkpoint", content=other.request(3, 3))).status_code == 409
        ((origin, size, cosigned, told),) = kept.memory.contradictions()
        assert (origin, size) == (asked.origin, 3)
        for note in (cosigned, told):
            assert verified(note, str(asked.vkey))
        assert cosigned != told


def test_the_key_is_the_owners_alone_and_stays(tmp_path: Path) -> None:
    with closing(opened(tmp_path / "w", "witness.test/1").memory):
        pass
    key = tmp_path / "w" / KEY
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700
    text = key.read_text(encoding="utf-8")
    opened(tmp_path / "w", "witness.test/1").memory.close()
    assert key.read_text(encoding="utf-8") == text
    with pytest.raises(WitnessKeyUnusable, match=r"is of witness\.test/1"):
        opened(tmp_path / "w", "witness.test/2")
    key.chmod(0o640)
    with pytest.raises(WitnessKeyUnusable, match="chmod 600"):
        opened(tmp_path / "w", "witness.test/1")
    key.chmod(0o600)
    key.write_text("witness.test/1 0000\n", encoding="utf-8")
    with pytest.raises(WitnessKeyUnusable, match="no key of a witness"):
        opened(tmp_path / "w", "witness.test/1")


async def test_a_key_without_its_memory_signs_nothing(tmp_path: Path) -> None:
    folder = configured(tmp_path)
    with witness_in(folder) as (settings, kept):
        http = in_process(settings, kept)
        assert (await http.post("/add-checkpoint", content=log(2).request(0, 2))).status_code == 200
    memory, key = (folder / MEMORY).read_bytes(), (folder / KEY).read_bytes()
    (folder / MEMORY).unlink()
    with pytest.raises(CannotRun, match="not that of this key"), witness_in(folder):
        pass
    (folder / MEMORY).write_bytes(memory)
    (folder / KEY).unlink()
    with pytest.raises(CannotRun, match="not that of this key"), witness_in(folder):
        pass
    assert not (folder / KEY).exists()
    (folder / KEY).write_bytes(key)
    (folder / KEY).chmod(0o600)
    with witness_in(folder) as (_, kept):
        assert kept.memory.logs() == 1


def test_a_start_that_was_killed_begins_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(_: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("adapters.witnesses.folder.keep_key", killed)
        with pytest.raises(KeyboardInterrupt):
            opened(tmp_path, "witness.test/1")
    assert not (tmp_path / KEY).exists()
    opened(tmp_path, "witness.test/1").memory.close()
    opened(tmp_path, "witness.test/1").memory.close()


def test_two_processes_over_one_folder_sign_one_past(tmp_path: Path) -> None:
    folder, asked = configured(tmp_path), log(1)
    other = asked.fork(0)
    other.grow(1, "otherwise")
    with running_witness(folder) as one, running_witness(folder) as two:
        assert one.vkey == two.vkey
        assert post(one.url, asked.request(0, 1)).status_code == 200
        assert post(two.url, other.request(0, 1)).status_code == 409
        assert post(two.url, other.request(1, 1)).status_code == 409


async def test_a_memory_that_fails_is_told_and_nothing_is_signed(tmp_path: Path) -> None:
    folder = configured(tmp_path)
    with witness_in(folder) as (settings, kept):
        http = in_process(settings, kept)
        with closing(sqlite3.connect(folder / MEMORY, isolation_level=None)) as other:
            other.execute("DROP TABLE cosigned")
        answer = await http.post("/add-checkpoint", content=log(2).request(0, 2))
        assert (answer.status_code, "—" in answer.text) == (503, False)
        assert (await http.get("/health")).status_code == 503


async def test_too_much_is_not_taken(tmp_path: Path) -> None:
    folder = configured(tmp_path, requests_per_second=0.5)
    with witness_in(folder) as (settings, kept):
        http = in_process(settings, kept)
        assert (await http.post("/add-checkpoint", content=b"x" * (MOST_BYTES + 1))).status_code == 413
        assert (await http.get("/add-checkpoint")).status_code == 405
        for _ in range(4):
            assert (await http.post("/add-checkpoint", content=b"")).status_code == 400
        answer = await http.post("/add-checkpoint", content=log(1).request(0, 1))
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) in {1, 2}
        assert (await http.get("/health")).status_code == 200


def test_the_rate_is_each_addresss_own_and_comes_back() -> None:
    now = [0.0]
    rate = Rate(2.0, lambda: now[0])
    assert [rate.wait("a") for _ in range(21)] == [*[0.0] * 20, 0.5]
    assert rate.wait("b") == 0.0
    now[0] = 0.75
    assert [rate.wait("a") for _ in range(2)] == [0.0, 0.25]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ('name = "with space here"', "name: a name has letters"),
        ("name =", "cannot be read as TOML"),
        ('name = "w"\nnme = "x"', "nme"),
        ('name = "w"\n[[logs]]\norigin = "a/*/b"\nkeys = []', r"logs\.0\.origin: an origin"),
        ('name = "w"\n[[logs]]\norigin = "a/*"\nkeys = ["a+00000000+AAAA"]', r"logs\.0\.keys"),
        ('name = "w"', "logs"),
    ],
)
def test_settings_that_are_wrong_are_named(tmp_path: Path, changed: str, words: str) -> None:
    (tmp_path / FILE).write_text(changed, encoding="utf-8")
    with pytest.raises(CannotRun, match=words):
        read_settings(tmp_path / FILE)


def test_without_settings_an_example_is_shown(tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match=r"\[\[logs\]\]"):
        read_settings(tmp_path / FILE)
