"""The cache of states: the least used go first, and states that hold many ids weigh as much as they hold."""

from __future__ import annotations

from uuid import UUID

from application.state_cache import StateCache

TENANT = UUID(int=1)


def held(cache: StateCache, *streams: str) -> list[str]:
    return [stream for stream in streams if (TENANT, stream) in cache._states]


def test_the_least_used_goes_first() -> None:
    cache = StateCache(limit=2)
    cache.put(TENANT, "a", (1, "a"))
    cache.put(TENANT, "b", (1, "b"))
    assert cache.get(TENANT, "a") == (1, "a")
    cache.put(TENANT, "c", (1, "c"))
    assert held(cache, "a", "b", "c") == ["a", "c"]


def test_states_are_weighed_by_the_ids_they_hold() -> None:
    cache = StateCache(ids=100)
    cache.put(TENANT, "a", (1, "a"), 60)
    cache.put(TENANT, "b", (1, "b"), 40)
    assert held(cache, "a", "b") == ["a", "b"]
    cache.put(TENANT, "a", (2, "a"), 61)
    assert held(cache, "a", "b") == ["a"]
    cache.drop(TENANT, ["a", "never"])
    cache.put(TENANT, "c", (1, "c"), 100)
    assert held(cache, "a", "c") == ["c"]


def test_one_that_is_too_large_alone_stays_until_another_comes() -> None:
    cache = StateCache(ids=100)
    cache.put(TENANT, "a", (1, "a"), 1_000)
    assert cache.get(TENANT, "a") == (1, "a")
    cache.put(TENANT, "b", (1, "b"))
    assert held(cache, "a", "b") == ["b"]
