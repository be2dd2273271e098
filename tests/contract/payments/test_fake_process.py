"""Our own Stripe as a process (docs/billing-stripe.md): over real HTTP, with its state kept over a start."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import httpx

from adapters.stripe.client import make_client
from adapters.stripe.gateway import StripeGateway
from adapters.stripe.settings import StripeSettings
from application.ports.payment_values import Line
from tests.support.serving import ROOT
from tests.support.stripes import FAKE_KEY, WARES, Desk

TENANT = UUID(int=1)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@asynccontextmanager
async def running(port: int, state: Path) -> AsyncIterator[Desk]:
    address = f"http://127.0.0.1:{port}"
    arguments = ["--port", str(port), "--state", str(state), "--key", FAKE_KEY]
    program = (sys.executable, "-m", "adapters.stripe.fake", *arguments)
    process = await asyncio.create_subprocess_exec(*program, cwd=ROOT)
    settings = StripeSettings(FAKE_KEY, api=address)
    raw, http = make_client(settings)
    desk = Desk(StripeGateway(settings), raw, settings)
    try:
        async with asyncio.timeout(20), httpx.AsyncClient(trust_env=False) as client:
            while True:
                assert process.returncode is None
                try:
                    assert (await client.get(f"{address}/v1/customers")).status_code == 401
                    break
                except httpx.ConnectError:
                    await asyncio.sleep(0.05)
        yield desk
    finally:
        process.terminate()
        async with asyncio.timeout(10):
            await process.wait()
        await desk.gateway.close()
        await http.close()


async def test_it_serves_and_keeps_its_state(tmp_path: Path) -> None:
    port, state = free_port(), tmp_path / "stripe.json"
    async with running(port, state) as desk:
        prices = await desk.gateway.ensure_wares(WARES)
        customer = await desk.customer()
        held = await desk.subscribe(customer, Line("2026-01/starter/month/usd"))
        key = desk.key()
        made = await desk.gateway.create_customer(TENANT, key=key)
    assert state.stat().st_mode & 0o777 == 0o600
    async with running(port, state) as desk:
        assert await desk.gateway.ensure_wares(WARES) == prices
        assert await desk.gateway.subscription(held.ref) == held
        assert await desk.gateway.create_customer(TENANT, key=key) == made
        assert [one.amount for one in await desk.gateway.payments(customer=customer)] == [4_900]
