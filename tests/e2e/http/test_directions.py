"""Where figures are heading, over HTTP."""

from __future__ import annotations

from tests.support.api import Api, analytics_of


async def entered(api: Api, key: str) -> None:
    for month in range(1, 13):
        body = {
            "category": "server",
            "amount": 10_000 + 1_000 * month,
            "currency": "USD",
            "covers_from": f"2025-{month:02}-01",
            "covers_to": f"2025-{month:02}-28",
            "incurred_on": f"2025-{month:02}-01",
            "provider": "Hostwinds",
            "basis": "invoice",
            "reference": f"H-{month}",
        }
        answer = await api.post("/v1/costs/new/enter-cost", key, body)
        assert answer.status_code == 201, answer.text


async def test_costs_that_rise_are_said_to_in_the_language_asked_for(api: Api) -> None:
    tenant = await api.tenant()
    await entered(api, tenant.key)
    position = await api.parts.position_of(tenant.id)
    path = f"/v1/reports/costs_by_category/directions?from=2025-01-01&to=2025-12-31&min_position={position}"
    with analytics_of(api):
        answer = await api.send("GET", path, tenant.key, headers={"accept-language": "de-AT,de;q=0.9"})
        bad = await api.send("GET", f"{path}&grain=day", tenant.key)
        none = await api.send("GET", "/v1/reports/targets/directions", tenant.key)
        other = await api.send("GET", f"{path}&measure=events", tenant.key)
        months = await api.send(
            "GET",
            f"/v1/reports/costs_by_workspace/directions?from=2025-01&to=2025-06&min_position={position}",
            tenant.key,
        )
        no_number = await api.send("GET", f"{path}&at_position=\u00b2", tenant.key)
    (borne,) = months.json()["data"]
    assert [point["value"] for point in borne["series"]["points"]] == [
        10_000 + 1_000 * n for n in range(1, 7)
    ], "no month after the last one that was asked for"
    assert (no_number.status_code, no_number.json()["errors"][0]["pointer"]) == (422, "/at_position")
    told = answer.json()
    assert (answer.headers["content-language"], told["position"]) == ("de", position)
    (costs,) = told["data"]
    assert costs["series"]["better"] == "neither"
    assert [point["value"] for point in costs["series"]["points"]] == [
        10_000 + 1_000 * n for n in range(1, 13)
    ]
    assert costs["sentences"][0]["text"].startswith("Betrag: Anstieg"), "whatever is named has a German name"
    assert any(one["text"].startswith("Server erklärt") for one in costs["sentences"])
    assert costs["explained"]["parts"][0]["name"] == "server"
    assert told["series"].startswith("/v1/reports/costs_by_category?")
    assert (bad.status_code, other.status_code, none.status_code) == (422, 422, 404)
    assert bad.json()["errors"][0]["parameter"] == "grain"
