"""Whatever is sent to our own Stripe, it answers: done, or refused in Stripe's words."""

import asyncio
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.stripe.fake.app import Fake
from adapters.stripe.fake.routes import ROUTES, Route
from adapters.stripe.fake.world import World
from application.ports.payment_values import Line
from tests.support.stripes import ADDRESS, FAKE_KEY, fake_desk

_SOMETHING = st.sampled_from(
    ["", "0", "1", "-1", "nonsense", "true", "usd", "month", "9" * 30, "é\x00", "now", "starter"]
)
_TREES = st.recursive(
    _SOMETHING,
    lambda inner: (
        st.lists(inner, min_size=1, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                ["price", "id", "coupon", "interval", "quantity", "customer", "gte", "end_date", "items"]
            ),
            inner,
            min_size=1,
            max_size=3,
        )
    ),
    max_leaves=5,
)


def flat(name: str, tree: Any) -> Iterable[tuple[str, str]]:
    if isinstance(tree, str):
        yield name, tree
        return
    for key, value in enumerate(tree) if isinstance(tree, list) else tree.items():
        yield from flat(f"{name}[{key}]", value)


@pytest.fixture(scope="module")
def world() -> World:
    """One in which a customer subscribed."""

    async def lived() -> World:
        async with fake_desk() as desk:
            await desk.subscribe(await desk.customer(), Line("2026-01/starter/month/usd"))
            assert desk.fake is not None
            return desk.fake.world

    return asyncio.run(lived())


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.pattern.pattern}")
def test_every_request_is_answered(route: Route, world: World) -> None:
    known = [next(iter(found)) for found in world.kinds.values() if found]
    wanted = st.dictionaries(
        st.sampled_from(sorted({*route.takes, "expand"})), _TREES | st.sampled_from(known), max_size=6
    )

    async def asked(path: str, text: str) -> httpx.Response:
        fake = Fake(world.copied(), key=FAKE_KEY)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(fake.app), base_url=ADDRESS) as client:
            posted = route.method == "POST"
            answer = await client.request(
                route.method,
                path if posted else f"{path}?{text}",
                content=text if posted else None,
                headers={"Authorization": f"Bearer {FAKE_KEY}"},
            )
        await fake.courier.close()
        return answer

    @settings(max_examples=12, deadline=None)
    @given(st.sampled_from([*known, "cus_of_nobody"]), wanted)
    def run(ref: str, given_: dict[str, Any]) -> None:
        path = route.pattern.pattern.removesuffix(r"\Z").replace(r"([A-Za-z0-9_.\-]+)", ref)
        text = urlencode([pair for name, tree in given_.items() for pair in flat(name, tree)])
        answer = asyncio.run(asked(path, text))
        assert answer.status_code in (200, 400, 402, 404), answer.text
        assert "object" in answer.json() or answer.json()["error"]["message"]

    run()
