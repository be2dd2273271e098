"""Webhook endpoints, and the delivery of events: signed, again after a refusal, in whatever order a test wants."""

from __future__ import annotations

import json
import random
import secrets
from typing import TYPE_CHECKING, Final

import httpx

from adapters.stripe.fake.problems import invalid
from adapters.stripe.signatures import signature_header

if TYPE_CHECKING:
    from adapters.stripe.fake.forms import Params
    from adapters.stripe.fake.world import Json, World

_MOST_ATTEMPTS: Final = 16
_LONGEST: Final = 3_600
_TIME_OUT: Final = 10.0


def create_endpoint(world: World, params: Params) -> Json:
    """POST /v1/webhook_endpoints: its secret is told this once."""
    url = params.must("url")
    if not url.startswith(("http://", "https://")):
        raise invalid("url", "Invalid URL: An explicit scheme (such as https) must be provided.")
    events = params.texts("enabled_events")
    if not events:
        raise invalid("enabled_events", "Name at least one event, or `*`.")
    return world.add(
        "webhook_endpoint",
        {
            "api_version": params.text("api_version"),
            "application": None,
            "description": params.text("description"),
            "enabled_events": events,
            "metadata": params.metadata(),
            "secret": f"whsec_{secrets.token_hex(16)}",
            "status": "enabled",
            "url": url,
        },
    )


def update_endpoint(world: World, params: Params, ref: str) -> Json:
    """POST /v1/webhook_endpoints/:id."""
    endpoint = world.get("webhook_endpoint", ref)
    endpoint["url"] = params.text("url") or endpoint["url"]
    endpoint["enabled_events"] = params.texts("enabled_events") or endpoint["enabled_events"]
    disabled = params.boolean("disabled")
    if disabled is not None:
        endpoint["status"] = "disabled" if disabled else "enabled"
    return {name: value for name, value in endpoint.items() if name != "secret"}


def delete_endpoint(world: World, params: Params, ref: str) -> Json:
    """DELETE /v1/webhook_endpoints/:id."""
    del params
    endpoint = world.get("webhook_endpoint", ref)
    endpoint |= {"deleted": True, "status": "disabled"}
    return {"id": ref, "object": "webhook_endpoint", "deleted": True}


def body_of(world: World, event: Json) -> str:
    """The very text that is sent and signed."""
    return json.dumps(world.public(event), indent=2)


class Courier:
    """Delivers what is due."""

    def __init__(self, world: World, client: httpx.AsyncClient | None = None) -> None:
        """`client`: how to reach the endpoints."""
        self._world = world
        self._client = client

    async def deliver(
        self, *, seed: int | None = None, doubled: float = 0.0, lost: float = 0.0, all_now: bool = False
    ) -> Json:
        """Try what is due once each: how many were taken, refused and left.

        `seed` shuffles; `doubled` of them are sent twice; `lost` are held back for another time; `all_now`: also what
        waits for its next attempt.
        """
        world = self._world
        chance = random.Random(seed)  # noqa: S311 - a test's order, no secret
        due = [one for one in world.deliveries if all_now or one["due"] <= world.wall()]
        if seed is not None:
            chance.shuffle(due)
        due = [one for one in due if chance.random() >= lost]
        taken = refused = 0
        sent = [one for one in due for _ in range(1 + (chance.random() < doubled))]
        for one in sent:
            if await self._send(one):
                taken += 1
                if one in world.deliveries:
                    world.deliveries.remove(one)
            else:
                refused += 1
                one["attempt"] += 1
                one["due"] = world.wall() + min(2 ** one["attempt"], _LONGEST)
                if one["attempt"] >= _MOST_ATTEMPTS and one in world.deliveries:
                    world.deliveries.remove(one)
        return {"taken": taken, "refused": refused, "left": len(world.deliveries)}

    async def _send(self, delivery: Json) -> bool:
        world = self._world
        endpoint = world.kinds["webhook_endpoint"][delivery["endpoint"]]
        event = world.kinds["event"][delivery["event"]]
        if endpoint["status"] != "enabled":
            return True
        body = body_of(world, event)
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature_header(body.encode(), endpoint["secret"], world.outside()),
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        }
        if self._client is None:
            self._client = httpx.AsyncClient(timeout=_TIME_OUT, trust_env=False)
        try:
            answer = await self._client.post(endpoint["url"], content=body, headers=headers)
        except httpx.HTTPError:
            return False
        if answer.is_success:
            event["pending_webhooks"] = max(event["pending_webhooks"] - 1, 0)
        return answer.is_success

    async def close(self) -> None:
        """Hang up."""
        if self._client is not None:
            await self._client.aclose()
