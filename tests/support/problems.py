"""Problem documents, as tests read them."""

from __future__ import annotations

from typing import Any

from httpx import Response


def problem(answer: Response, status: int, code: str) -> dict[str, Any]:
    """What an answer tells that is a problem of this kind, and of the request it answers."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = answer.json()
    assert told["type"] == f"/problems/{code}"
    assert told["status"] == status
    assert told["request_id"] == answer.headers["request-id"]
    return told
