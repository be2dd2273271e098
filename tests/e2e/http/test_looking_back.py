"""Figures as of a position, by its number or by the token that answers give; and cells as rows show them."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO
from typing import Any

from openpyxl import load_workbook

from application.ports.positions import Position
from projections.finance.profiles import PROFILES
from tests.support.api import Api, TestTenant, analytics_of

AIM = {"metric": "mrr", "period": "2026-11", "value": "250", "unit": "USD"}


async def refused(api: Api, tenant: TestTenant, path: str, body: object = None) -> tuple[int, list[str]]:
    """The status, and where the errors are."""
    answer = await api.send("GET" if body is None else "POST", path, tenant.key, body)
    told: dict[str, Any] = answer.json()
    where = [str(one.get("pointer") or one.get("parameter")) for one in told.get("errors", [])]
    return answer.status_code, where or [told["type"]]


async def told_to(api: Api, tenant: TestTenant, path: str) -> Any:
    answer = await api.send("GET", path, tenant.key)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def labelled(api: Api, tenant: TestTenant, report: str, token: str) -> None:
    """An answer as of a position says that position, and the moment when its event was recorded."""
    n = Position.parse(token).n
    old = await told_to(api, tenant, f"{report}?at_position={token}")
    events = (await told_to(api, tenant, "/v1/history?limit=100"))["data"]
    moment = next(datetime.fromisoformat(one["recorded_at"]) for one in events if one["position"] == n)
    assert (old["position"], datetime.fromisoformat(old["as_of"])) == (token, moment)
    book = await api.send("GET", f"{report}?format=xlsx&at_position={token}", tenant.key)
    assert (book.headers["penguin-position"], book.headers["penguin-as-of"]) == (token, old["as_of"])
    shown = load_workbook(BytesIO(book.content))["Report"]["A2"].value
    assert shown == f"Data as of {moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC, position {n}"
    beginning = await told_to(api, tenant, f"{report}?at_position=0")
    assert (Position.parse(beginning["position"]).n, beginning["as_of"], beginning["data"]) == (0, None, [])


async def waited_for(api: Api, tenant: TestTenant, paths: list[str]) -> None:
    """A position that was written just now is waited for, whichever parameter names it."""
    for month, path in enumerate(paths, 1):
        aim = {**AIM, "period": f"2027-0{month}"}
        written = await api.post("/v1/finance/new/set-target", tenant.key, aim)
        own = written.json()["position"]
        assert (await told_to(api, tenant, path + own))["position"] == own


async def test_a_position_is_told_by_its_number_or_its_token(api: Api) -> None:
    tenant = await api.tenant()
    made = await api.post("/v1/finance/new/set-target", tenant.key, AIM)
    assert made.status_code == 201, made.text
    token = made.json()["position"]
    then = Position.parse(token)
    later = await api.post("/v1/finance/new/set-target", tenant.key, {**AIM, "period": "2026-12"})
    waits = f"min_position={later.json()['position']}"
    report, cell = "/v1/reports/targets", "cell.metric=mrr&cell.period_kind=month&cell.period=2026-11"
    with analytics_of(api):

        async def told(path: str, body: object = None) -> Any:
            answer = await api.send("GET" if body is None else "POST", path, tenant.key, body)
            assert answer.status_code == 200, answer.text
            return answer.json()

        now = await told(f"{report}?{waits}")
        (row,) = (await told(f"{report}?at_position={then.n}"))["data"]
        assert len(now["data"]) == 2
        assert (await told(f"{report}?at_position={token}"))["data"] == [row]
        assert (await told(f"{report}?at_position={now['position']}"))["data"] == now["data"]
        await labelled(api, tenant, report, token)
        file = await api.send("GET", f"{report}?format=csv&at_position={token}", tenant.key)
        numbered = await api.send("GET", f"{report}?format=csv&at_position={then.n}", tenant.key)
        assert file.content == numbered.content
        shown = {name: value for name, value in row.items() if name != "targets"}
        asking = {"cell": shown, "measure": "targets"}
        cited = await told(f"{report}/cite", {**asking, "parameters": {"at_position": token}})
        assert cited["data"]["cited_position"] == token
        blank = {**asking, "cell": {**shown, "segment": "", "value_to": ""}}
        assert (await told(f"{report}/cite", blank))["data"]["cell"] == shown
        heading = "/v1/reports/mrr/directions"
        series = (await told(f"{heading}?at_position={token}"))["series"]
        assert f"at_position={then.n}&" in series
        preview = {"profile": {**PROFILES["maxio-1"].model_dump(mode="json"), "id": "maxio-2"}}
        previewing = "/v1/reports/definitions/preview"
        await told(previewing, {**preview, "at_position": token})
        await told(previewing, {**preview, "at_position": then.n})

        rest = "cell.comparison=at_least&cell.value=250&cell.unit=USD"
        opened = await told(f"{report}/events?{cell}&{rest}&cell.segment=&cell.value_to=&at_position={token}")
        assert [one["position"] for one in opened["data"]] == [then.n]
        assert opened["citation"] == cited["data"]["citation"], "of the figure that is opened"
        assert (await told(f"{report}/events?{cell}&{rest}"))["data"] == opened["data"]
        assert await refused(api, tenant, f"{report}/events?{cell}&cell.value=250&cell.unit=USD") == (
            422,
            ["/cell/segment", "/cell/comparison", "/cell/value_to"],
        )
        assert (await refused(api, tenant, f"{report}/events"))[1] == [f"/cell/{name}" for name in shown]

        ways = [f"{path}?at_position=" for path in (report, heading)]
        await waited_for(api, tenant, [*ways, f"{report}/difference?from_position="])

        lost, beyond = Position(then.epoch - 1, then.n).token(), Position(then.epoch, 9_999).token()
        for bad in (lost, "x", token[:-1], "-1", ""):
            given = {"parameters": {"at_position": bad}}
            for path in (f"{report}?", f"{report}/events?{cell}&{rest}&", f"{heading}?"):
                assert await refused(api, tenant, f"{path}at_position={bad}") == (422, ["/at_position"]), bad
            assert await refused(api, tenant, f"{report}/cite", {**asking, **given}) == (
                422,
                ["/parameters/at_position"],
            )
            assert await refused(api, tenant, previewing, {**preview, "at_position": bad}) == (
                422,
                ["/at_position"],
            )
        for path in (f"{report}?", f"{heading}?"):
            for far in (beyond, "9999"):
                assert (await refused(api, tenant, f"{path}at_position={far}"))[1] == [
                    "/problems/beyond-the-log"
                ]
