"""What one message is, how it is signed, when it is tried again, and where it may go."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from standardwebhooks import Webhook

from adapters.keys.memory import MemoryKeyStore
from adapters.webhooks.addresses import allowed, read
from adapters.webhooks.http import HttpWebhookSender
from application import showing
from application.ports.log import Recorded
from application.ports.webhooks import Progress, SenderBusy, Sent
from application.webhooks.message import headers_of, message_of
from application.webhooks.retries import MOST_FAILURES, PAUSES, attempted, passed
from application.webhooks.secrets import key_of, secret_text, signing_keys
from tests.support.given import NOW, TENANT, uid
from tests.support.webhooks import receiving

ENDPOINT = uid(90)
ROW = Recorded(TENANT, 7, f"contact:{uid(5)}", 2, "audience.contact_changed", 1, b"{}", b"{}", NOW)
START = Progress(1, 6, None, 3, 0, 0, 0, NOW)
OK, FAILED = Sent(204), Sent(None, "time-out")


def test_a_message_tells_no_pseudonym() -> None:
    row = ROW._replace(stream="email_claim:c0ffee", name="audience.email_claimed")
    body = message_of(ENDPOINT, 1, row, {"token_hmac": "c0ffee", "first_name": "[sealed]"}).body
    assert b"c0ffee" not in body
    assert b'"stream":"email_claim"' in body
    assert b'"event":{"first_name":"[sealed]"}' in body


def test_what_is_a_pseudonym_is_said_in_one_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(showing, "is_pseudonym", lambda name: name == "nickname")
    assert b'"event":{"kept":1}' in message_of(ENDPOINT, 1, ROW, {"nickname": "x", "kept": 1}).body


def test_an_event_keeps_its_id_for_an_endpoint_and_another_event_at_its_position_has_another() -> None:
    first = message_of(ENDPOINT, 1, ROW, {})
    elsewhere = ROW._replace(recorded_at=NOW.astimezone(timezone(timedelta(hours=9))))
    assert message_of(ENDPOINT, 1, elsewhere, {}) == first
    assert message_of(ENDPOINT, 2, ROW, {}).id == first.id
    assert message_of(uid(91), 1, ROW, {}).id != first.id
    later = ROW._replace(recorded_at=NOW + timedelta(microseconds=1))
    assert message_of(ENDPOINT, 2, later, {}).id != first.id


def test_the_library_of_the_standard_verifies_with_either_secret() -> None:
    keys = MemoryKeyStore()
    secrets = [secret_text(keys, TENANT, uid(n)) for n in (1, 2)]
    message = message_of(ENDPOINT, 1, ROW, {})
    at = datetime.now(UTC)
    headers = headers_of(message, signing_keys(keys, TENANT, [uid(1), uid(2)]), at, replay=False)
    for secret in secrets:
        assert Webhook(secret).verify(message.body, headers)["type"] == ROW.name
    assert "webhook-replay" not in headers
    assert headers_of(message, [], at, replay=True)["webhook-replay"] == "true"


def test_a_destroyed_secret_is_never_made_again() -> None:
    keys = MemoryKeyStore()
    first = secret_text(keys, TENANT, uid(1))
    assert secret_text(keys, TENANT, uid(1)) == first
    assert secret_text(keys, TENANT, uid(2)) != first
    keys.destroy([key_of(TENANT, uid(1))])
    assert len(signing_keys(keys, TENANT, [uid(1), uid(2), uid(3)])) == 1
    assert keys.find([key_of(TENANT, uid(3))]) == {}, "nobody has a secret that would be made here"


def test_a_success_goes_on_and_ends_the_row_of_failures() -> None:
    before = replace(START, attempts=3, failures=40)
    after = attempted(before, ROW, OK, NOW)
    assert (after.position, after.reached_at, after.attempts, after.failures) == (7, NOW, 0, 0)
    assert (after.last_status, after.last_error, after.last_at) == (204, None, NOW)


def test_a_message_is_tried_again_five_times_and_then_given_up() -> None:
    progress, waited = START, []
    for _ in PAUSES:
        progress = attempted(progress, ROW, FAILED, NOW)
        assert progress.position == 6
        waited.append(progress.next_at - NOW)
    assert [wait.total_seconds() / 60 for wait in waited] == [1, 5, 15, 60, 24 * 60]
    last = attempted(progress, ROW, FAILED, NOW)
    assert (last.position, last.attempts, last.failures, last.given_up) == (7, 0, 6, 1)
    assert (last.next_at, last.last_error) == (NOW, "time-out")
    assert last.failures < MOST_FAILURES


def test_an_event_that_is_not_wanted_is_passed_over() -> None:
    after = passed(replace(START, failures=9), ROW)
    assert (after.position, after.attempts, after.failures) == (7, 0, 9)


@pytest.mark.parametrize("status", [199, 301, 302, 307, 400, 410, 500])
def test_only_a_status_from_200_to_299_is_a_success(status: int) -> None:
    assert not Sent(status).ok
    assert Sent(200).ok
    assert Sent(299).ok
    assert not Sent(None, "unreachable").ok


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34"])
def test_addresses_of_the_open_internet_are_sent_to(address: str) -> None:
    assert allowed(read(address), loopback=False)


@pytest.mark.parametrize(
    "address",
    [
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "100.100.100.200",
        "169.254.169.254",
        "168.63.129.16",
        "0.1.2.3",
        "192.0.0.192",
        "198.18.0.1",
        "224.0.0.1",
        "239.1.1.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "fe80::1%eth0",
        "fc00::1",
        "fd00:ec2::254",
        "fec0::1",
        "ff02::1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "::10.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::1",
        "2002:0a00:0001::1",
        "2001:0:4136:e378:8000:63bf:f5ff:fffe",
        "2001:db8::1",
        "2001:20::1",
        "192.0.0.9",
    ],
)
def test_addresses_inside_a_network_are_not(address: str) -> None:
    assert not allowed(read(address), loopback=False)
    assert not allowed(read(address), loopback=True)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"])
def test_this_machine_is_sent_to_only_where_the_installation_says_so(address: str) -> None:
    assert not allowed(read(address), loopback=False)
    assert allowed(read(address), loopback=True)


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Names under silent.example are not answered until this is set; all others are those of this machine."""

    def look_up(host: str, port: int, **_: object) -> list[tuple[Any, ...]]:
        if host.endswith("silent.example"):
            threads.add(threading.current_thread().name)
            ends.wait(20)
            raise socket.gaierror
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    ends, threads = threading.Event(), set[str]()
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    yield ends
    ends.set()
    assert threads
    assert all(name.startswith("webhook-names") for name in threads)


async def outcome(sender: HttpWebhookSender, tenant: UUID, url: str) -> Sent | type[SenderBusy]:
    try:
        return await sender.send(tenant, url, {}, b"{}")
    except SenderBusy:
        return SenderBusy


async def silent(sender: HttpWebhookSender, tenant: UUID, names: int) -> list[Sent | type[SenderBusy]]:
    """What becomes of as many sends to names that nobody resolves."""
    urls = [f"https://{n}.silent.example/" for n in range(names)]
    return await asyncio.gather(*(outcome(sender, tenant, url) for url in urls))


@pytest.mark.usefixtures("answered")
async def test_names_that_nobody_resolves_take_no_thread_from_others() -> None:
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    sender = HttpWebhookSender(time_out=0.05)
    assert await silent(sender, TENANT, 4) == [FAILED] * 4
    assert await asyncio.wait_for(asyncio.to_thread(lambda: "free"), 5) == "free"
    before = time.monotonic()
    await sender.close()
    assert time.monotonic() - before < 5, "look-ups under way are not waited for"


@pytest.mark.usefixtures("answered")
async def test_a_tenants_silent_names_hold_nobody_elses_message_up() -> None:
    sender = HttpWebhookSender(loopback=True, time_out=2, patience=30)
    with receiving() as receiver:
        flood = asyncio.create_task(silent(sender, TENANT, 40))
        await asyncio.sleep(0.1)
        before = time.monotonic()
        url = receiver.url.replace("127.0.0.1", "healthy.example")
        assert await sender.send(uid(91), url, {}, b"{}") == Sent(200)
        assert time.monotonic() - before < 1
        flood.cancel()
        await asyncio.gather(flood, return_exceptions=True)
    await sender.close()


async def test_where_no_thread_is_free_nothing_was_attempted(answered: threading.Event) -> None:
    sender = HttpWebhookSender(loopback=True, time_out=0.05, patience=0.1)
    assert await silent(sender, TENANT, 6) == [FAILED] * 4 + [SenderBusy] * 2
    with receiving() as receiver:
        url = receiver.url.replace("127.0.0.1", "healthy.example")
        assert await outcome(sender, TENANT, url) is SenderBusy, "a look-up outlives its time-out"
        for other in range(101, 116):
            assert await silent(sender, uid(other), 4) == [FAILED] * 4
        assert await outcome(sender, uid(91), url) is SenderBusy, "all threads are taken"
        answered.set()
        await asyncio.sleep(0.1)
        assert await outcome(sender, TENANT, url) == Sent(200)
    await sender.close()


async def test_the_wait_for_a_thread_is_not_the_receivers(answered: threading.Event) -> None:
    sender = HttpWebhookSender(loopback=True, time_out=0.3, patience=30)
    with receiving() as receiver:
        await silent(sender, TENANT, 4)
        url = receiver.url.replace("127.0.0.1", "healthy.example")
        waiting = asyncio.create_task(sender.send(TENANT, url, {}, b"{}"))
        await asyncio.sleep(0.6)
        assert not waiting.done()
        answered.set()
        assert await waiting == Sent(200)
    await sender.close()


def test_ids_are_uuids_in_hex() -> None:
    assert UUID(message_of(ENDPOINT, 1, ROW, {}).id.removeprefix("msg_")).version == 5
