"""Figures as of a position: by its number, by the token that answers give, by a moment; and cells as rows show them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from io import BytesIO
from typing import Any
from urllib.parse import quote, urlencode

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


async def told_to(api: Api, tenant: TestTenant, path: str, body: object = None) -> Any:
    answer = await api.send("GET" if body is None else "POST", path, tenant.key, body)
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
        assert (await told(f"/v1/citations/{cited['data']['citation']}?{waits}"))["data"]["same"] is True
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


async def moments_of(api: Api, tenant: TestTenant) -> dict[int, datetime]:
    """When each event of a log was recorded, by position."""
    events = (await told_to(api, tenant, "/v1/history?limit=100"))["data"]
    return {one["position"]: datetime.fromisoformat(one["recorded_at"]) for one in events}


async def by_then(api: Api, tenant: TestTenant, path: str, moment: datetime, n: int) -> None:
    """An answer as of a moment is the one as of a position, says that one and its moment, and is found again by it."""
    found = await told_to(api, tenant, f"{path}at_time={written(moment)}")
    assert Position.parse(found["position"]).n == n, moment
    if "emptied_by" in found:
        told = [one.replace("at_time", "at_position") for one in found["emptied_by"]]
        found["emptied_by"] = told
    assert found == await told_to(api, tenant, f"{path}at_position={n}")
    assert found == await told_to(api, tenant, f"{path}at_position={found['position']}")
    recorded = (await moments_of(api, tenant)).get(n)
    assert (None if found["as_of"] is None else datetime.fromisoformat(found["as_of"])) == recorded


def written(moment: datetime, hours: float = 0) -> str:
    """A moment as it stands in an address, in the zone that lies so many hours from UTC."""
    return quote(moment.astimezone(timezone(timedelta(hours=hours))).isoformat())


async def test_a_moment_is_its_last_position_in_every_form(api: Api) -> None:
    tenant, other = await api.tenant(), await api.tenant()
    seen = list[Position]()
    for period, whose in (
        ("2026-10", other),
        ("2026-11", other),
        ("2026-11", tenant),
        ("2026-12", other),
        ("2026-12", tenant),
    ):
        made = await api.post("/v1/finance/new/set-target", whose.key, {**AIM, "period": period})
        seen += [Position.parse(made.json()["position"])] if whose is tenant else []
    first, last = (position.n for position in seen)
    moments = await moments_of(api, tenant)
    then, step, report = moments[first], timedelta(microseconds=1), "/v1/reports/targets"
    with analytics_of(api):
        waited = await told_to(api, tenant, f"{report}?min_position={seen[-1].token()}")
        (row, _) = waited["data"]
        for moment, n in (
            (then, first),
            (then + step, first),
            (then - step, first - 1),
            (moments[last] - step, last - 1),
            (moments[last], last),
            (moments[last] + step, last),
            (min(moments.values()) - step, 0),
            (datetime(2000, 1, 1, tzinfo=UTC), 0),
        ):
            await by_then(api, tenant, f"{report}?", moment, n)
        for zone in (1, -5.5, 14):
            elsewhere = await told_to(api, tenant, f"{report}?at_time={written(then, zone)}")
            assert (Position.parse(elsewhere["position"]).n, elsewhere["data"]) == (first, [row])
        emptied = await told_to(api, tenant, f"{report}?at_time={written(then - step)}")
        assert (emptied["data"], emptied["emptied_by"]) == ([], ["at_time"])
        for asked in (*ALSO, "usage?from=2026-11-01&to=2026-11-30&compare=previous&"):
            await by_then(api, tenant, f"/v1/reports/{asked}", then, first)
        heading = await told_to(api, tenant, f"/v1/reports/mrr/directions?at_time={written(then)}")
        assert f"at_position={first}&" in heading["series"]

        for form in ("csv", "xlsx", "parquet", "arrow"):
            as_file = f"{report}?format={form}&at_"
            by_moment = await api.send("GET", f"{as_file}time={written(then)}", tenant.key)
            by_position = await api.send("GET", f"{as_file}position={first}", tenant.key)
            assert by_moment.content == by_position.content, form
            assert datetime.fromisoformat(by_moment.headers["penguin-as-of"]) == then

        # The same moment is another position in another's log, and what is told of it is of that log alone.
        theirs = await moments_of(api, other)
        told = await told_to(api, other, f"{report}?at_time={written(then)}")
        n = max(n for n, moment in theirs.items() if moment <= then)
        assert n != first
        assert (Position.parse(told["position"]).n, datetime.fromisoformat(told["as_of"])) == (n, theirs[n])

        await figures_of_moments(api, tenant, row, first, moments)
        await refusals_of_moments(api, tenant, row)


ALSO = ("scorecard?", "mrr?", "activity?", "contacts_by_segment?", "mrr/directions?")
"""Reports of other shapes, and where one is heading."""


def named(row: dict[str, Any]) -> dict[str, Any]:
    """What names a row of the targets."""
    return {name: value for name, value in row.items() if name != "targets"}


def opening(row: dict[str, Any]) -> str:
    """The address at which it opens."""
    cell = {f"cell.{name}": value or "" for name, value in named(row).items()}
    return f"/v1/reports/targets/events?{urlencode(cell)}&"


PREVIEWING = "/v1/reports/definitions/preview"
CHANGED: dict[str, Any] = {"profile": {**PROFILES["maxio-1"].model_dump(mode="json"), "id": "maxio-2"}}


async def figures_of_moments(
    api: Api, tenant: TestTenant, row: dict[str, Any], first: int, moments: dict[int, datetime]
) -> None:
    """A figure is opened and cited, a definition previewed and a difference explained by moments."""
    report, then, step = "/v1/reports/targets", moments[first], timedelta(microseconds=1)
    await by_then(api, tenant, opening(row), then, first)
    await by_then(api, tenant, opening(row), max(moments.values()), max(moments))
    opened = await told_to(api, tenant, f"{opening(row)}at_time={written(then)}")
    assert [one["position"] for one in opened["data"]] == [first]
    cited = (await told_to(api, tenant, f"{report}/cite", citing(row, at_time=then.isoformat())))["data"]
    assert (Position.parse(cited["cited_position"]).n, cited["citation"]) == (first, opened["citation"])
    assert "at_time" not in cited["parameters"], "it is of the position"
    by_moment = await told_to(api, tenant, PREVIEWING, {**CHANGED, "at_time": then.isoformat()})
    assert by_moment == await told_to(api, tenant, PREVIEWING, {**CHANGED, "at_position": first})
    assert Position.parse(by_moment["position"]).n == first

    between = f"{report}/difference?"
    moved = await told_to(api, tenant, f"{between}from_time={written(then - step)}&to_time={written(then)}")
    assert moved == await told_to(api, tenant, f"{between}from_position={first - 1}&to_position={first}")
    assert [one["cell"]["period"] for one in moved["data"]] == [row["period"]]
    assert datetime.fromisoformat(moved["as_of"]) == then
    mixed = await told_to(api, tenant, f"{between}from_position=0&to_time={written(max(moments.values()))}")
    assert mixed == await told_to(api, tenant, f"{between}from_time=2000-01-01T00:00:00Z")


def citing(row: dict[str, Any], **parameters: str) -> dict[str, Any]:
    """What is asked to cite a row."""
    return {"cell": named(row), "measure": "targets", "parameters": parameters}


async def refusals_of_moments(api: Api, tenant: TestTenant, row: dict[str, Any]) -> None:
    """What is no moment, or comes with a position, is refused, naming what was given."""
    report, midnight = "/v1/reports/targets", "2026-11-01T00:00:00Z"
    both = {"at_position": "0", "at_time": midnight}
    asked = [f"{report}?", f"{report}?format=xlsx&", opening(row), "/v1/reports/mrr/directions?"]
    where = [f"/{name}" for name in both]
    for path in asked:
        assert await refused(api, tenant, path + urlencode(both)) == (422, where)
    of_body = [f"/parameters/{name}" for name in both]
    assert await refused(api, tenant, f"{report}/cite", citing(row, **both)) == (422, of_body)
    assert await refused(api, tenant, PREVIEWING, {**CHANGED, **both}) == (422, where)
    for given, blamed in (
        (f"from_position=0&from_time={midnight}", ["from_position", "from_time"]),
        (f"from_position=0&to_position=1&to_time={midnight}", ["to_position", "to_time"]),
        (f"to_time={midnight}", ["from_position"]),
        ("from_time=2099-01-01T00:00:00Z&to_time=2001-01-01T00:00:00Z", ["from_time"]),
        ("from_position=1&to_position=0", ["from_position"]),
        (f"from_position=0&at_time={midnight}", ["at_time"]),
    ):
        assert await refused(api, tenant, f"{report}/difference?{given}") == (422, blamed), given
    last = max((await moments_of(api, tenant)).values()).isoformat()
    for path in asked:
        to_come = await api.send("GET", f"{path}at_time=2099-01-01T00:00:00Z", tenant.key)
        assert to_come.status_code == 422
        (error,) = to_come.json()["errors"]
        words = "events are known up to a moment before it: the last was recorded at " + last
        assert (error["pointer"], error["detail"]) == ("/at_time", words)
    for given, blamed in (
        ("from_time=2099-01-01T00:00:00Z", ["from_time"]),
        ("from_position=0&to_time=2099-01-01T00:00:00Z", ["to_time"]),
    ):
        assert await refused(api, tenant, f"{report}/difference?{given}") == (422, blamed), given
    for bad in (
        "",
        "2099-01-01T00:00:00Z",
        "yesterday",
        "2026-11-01",
        "2026-11-01T00:00:00",
        "1793491200",
        "1970-01-01T00:00:00Z",
    ):
        for path in asked:
            assert await refused(api, tenant, f"{path}at_time={bad}") == (422, ["/at_time"]), bad
        until = f"{report}/difference?from_position=0&to_time={bad}"
        assert await refused(api, tenant, until) == (422, ["to_time"])
        of_figure = await refused(api, tenant, f"{report}/cite", citing(row, at_time=bad))
        assert of_figure == (422, ["/parameters/at_time"])
        assert await refused(api, tenant, PREVIEWING, {**CHANGED, "at_time": bad}) == (422, ["/at_time"])
