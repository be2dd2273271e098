"""`penguinmails schedule`: reports and packs that are delivered regularly, through the running API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from api.cli.door import Url, door_of
from api.cli.imports import SameKey
from api.cli.options import Data, Key
from api.cli.output import Group, Json, data, listed
from api.cli.reports import parameters
from domain.reporting.timing import Frequency, RelativePeriod, Weekday

app = typer.Typer(cls=Group, help="Reports and packs that are delivered regularly.", no_args_is_help=True)

ScheduleId = Annotated[UUID, typer.Argument(help="Id of the schedule, as `schedule list` shows it.")]
Reports = Annotated[list[str] | None, typer.Option("--report", help="Name of a report; may be repeated.")]
PacksNamed = Annotated[list[str] | None, typer.Option("--pack", help="Name of a pack; may be repeated.")]
Period = Annotated[
    RelativePeriod | None, typer.Option("--period", help="Which days, seen from each delivery.")
]
Form = Annotated[str | None, typer.Option("--format", help="Form of the reports: csv, xlsx, parquet, arrow.")]
Given = Annotated[
    list[str] | None, typer.Option("--param", help="NAME=VALUE of the reports; may be repeated.")
]
Decimal = Annotated[
    str | None, typer.Option("--decimal", help="CSV: point or comma; semicolons go with commas.")
]
Items = Annotated[
    Path | None,
    typer.Option(
        "--items", exists=True, dir_okay=False, help="JSON file of items, where they differ in these."
    ),
]
InCurrency = Annotated[
    str | None,
    typer.Option("--currency", help="Of the amounts in packs, as USD; others are left out, and named."),
]
On = Annotated[Weekday | None, typer.Option("--weekday", help="Of what is weekly.")]
Zone = Annotated[str | None, typer.Option("--time-zone", help="As Europe/Berlin; UTC unless told.")]
Clock = Annotated[str | None, typer.Option("--at", help="Hour and minute there; 06:00 unless told.")]
Folder = Annotated[
    str | None, typer.Option("--folder", help="Folder below the tenant's own among the deliveries.")
]
To = Annotated[list[UUID] | None, typer.Option("--to", help="Id of a member; may be repeated.")]


@app.command("create")
def create(
    title: Annotated[str, typer.Argument(help="What it is called; name nobody in it.")],
    *,
    frequency: Annotated[Frequency, typer.Option("--frequency", help="How often.")],
    report: Reports = None,
    pack: PacksNamed = None,
    period: Period = None,
    format_: Form = None,
    decimal: Decimal = None,
    given: Given = None,
    items: Items = None,
    currency: InCurrency = None,
    weekday: On = None,
    at: Clock = None,
    time_zone: Zone = None,
    folder: Folder = None,
    to: To = None,
    idempotency_key: SameKey = None,
    url: Url = None,
    key: Key = None,
    data_folder: Data = None,
    json_: Json = False,
) -> None:
    """Have reports or packs delivered regularly, to a folder of the installation or by mail to members.

    For example: schedule create "Month end" --frequency on_close --pack finance --period last_month --folder finance
    """
    del json_
    told = _items(report, pack, period, {"format": format_, "decimal": decimal}, given, items, currency)
    if not told:
        raise typer.BadParameter("name a report, a pack, or a file of items", param_hint="--report")
    asked = {
        "title": title,
        "frequency": frequency.value,
        "items": told,
        **_where(weekday, at, time_zone, folder, to),
    }
    with door_of(url, data_folder, key) as door:
        made = door.ask("POST", "/v1/reporting/new/create-schedule", asked, idempotency_key)
        door.drawn()
    data(made, [f"schedule {made['id']}"])


@app.command("change")
def change(
    schedule_id: ScheduleId,
    *,
    title: Annotated[str | None, typer.Option("--title", help="Another title.")] = None,
    frequency: Annotated[Frequency | None, typer.Option("--frequency", help="How often.")] = None,
    report: Reports = None,
    pack: PacksNamed = None,
    period: Period = None,
    format_: Form = None,
    decimal: Decimal = None,
    given: Given = None,
    items: Items = None,
    currency: InCurrency = None,
    weekday: On = None,
    at: Clock = None,
    time_zone: Zone = None,
    folder: Folder = None,
    to: To = None,
    idempotency_key: SameKey = None,
    url: Url = None,
    key: Key = None,
    data_folder: Data = None,
    json_: Json = False,
) -> None:
    """Change a schedule; what is left out stays. Items that are named take the place of all."""
    del json_
    asked: dict[str, Any] = _where(weekday, at, time_zone, folder, to)
    if frequency is not None and frequency is not Frequency.WEEKLY:
        asked["weekday"] = None
    asked |= {
        name: value
        for name, value in (
            ("title", title),
            ("frequency", None if frequency is None else frequency.value),
            (
                "items",
                _items(report, pack, period, {"format": format_, "decimal": decimal}, given, items, currency)
                or None,
            ),
        )
        if value is not None
    }
    _command(schedule_id, "change-schedule", asked, idempotency_key, url, key, data_folder)


@app.command("pause")
def pause(
    schedule_id: ScheduleId,
    *,
    url: Url = None,
    key: Key = None,
    data_folder: Data = None,
    json_: Json = False,
) -> None:
    """Deliver nothing for now."""
    del json_
    _command(schedule_id, "pause-schedule", {}, None, url, key, data_folder)


@app.command("resume")
def resume(
    schedule_id: ScheduleId,
    *,
    url: Url = None,
    key: Key = None,
    data_folder: Data = None,
    json_: Json = False,
) -> None:
    """Deliver again, from the next due time on."""
    del json_
    _command(schedule_id, "resume-schedule", {}, None, url, key, data_folder)


@app.command("remove")
def remove(
    schedule_id: ScheduleId,
    *,
    url: Url = None,
    key: Key = None,
    data_folder: Data = None,
    json_: Json = False,
) -> None:
    """Deliver nothing any more, for good."""
    del json_
    _command(schedule_id, "remove-schedule", {}, None, url, key, data_folder)


@app.command("list")
def schedules(*, url: Url = None, key: Key = None, data_folder: Data = None, json_: Json = False) -> None:
    """Show the schedules, and when each is due next."""
    del json_
    columns = ("schedule_id", "status", "title", "frequency", "next_at", "folder")
    _listed("/v1/reports/schedules", {}, columns, url, key, data_folder)


@app.command("deliveries")
def deliveries(
    schedule_id: Annotated[UUID | None, typer.Argument(help="Only those of this schedule.")] = None,
    *,
    url: Url = None,
    key: Key = None,
    data_folder: Data = None,
    json_: Json = False,
) -> None:
    """Show what was delivered and what was not, the newest first."""
    del json_
    wanted = {} if schedule_id is None else {"schedule_id": str(schedule_id)}
    columns = ("delivery_id", "status", "day", "settled_at", "as_of", "mailed", "reason")
    _listed("/v1/reports/deliveries", wanted, columns, url, key, data_folder)


def _items(
    report: list[str] | None,
    pack: list[str] | None,
    period: RelativePeriod | None,
    form: dict[str, str | None],
    given: list[str] | None,
    file: Path | None,
    currency: str | None,
) -> list[Any]:
    """What is delivered: reports that share days, form and parameters, packs, and whatever a file says."""
    days = {} if period is None else {"period": period.value}
    of_reports: dict[str, Any] = days | {name: value for name, value in form.items() if value is not None}
    if given:
        of_reports["parameters"] = parameters(given)
    found: list[Any] = [{"report": name, **of_reports} for name in report or []]
    of_packs: dict[str, Any] = days | ({} if currency is None else {"parameters": {"currency": currency}})
    found += [{"pack": name, **of_packs} for name in pack or []]
    if file is not None:
        try:
            more = json.loads(file.read_text(encoding="utf-8"))
        except ValueError:
            raise typer.BadParameter("it is no JSON", param_hint="--items") from None
        found += more if isinstance(more, list) else [more]
    return found


def _where(
    weekday: Weekday | None, at: str | None, zone: str | None, folder: str | None, to: list[UUID] | None
) -> dict[str, Any]:
    told = {
        "weekday": None if weekday is None else weekday.value,
        "at": at,
        "time_zone": zone,
        "folder": folder,
        "recipients": [str(one) for one in to] if to else None,
    }
    return {name: value for name, value in told.items() if value is not None}


def _command(
    schedule_id: UUID,
    slug: str,
    body: dict[str, Any],
    same: str | None,
    url: str | None,
    key: str | None,
    folder: Path | None,
) -> None:
    with door_of(url, folder, key) as door:
        told = door.ask("POST", f"/v1/reporting/{schedule_id}/{slug}", body, same)
        door.drawn()
    events = ", ".join(one["name"].partition(".")[2].replace("_", " ") for one in told["events"])
    data(told, [events or "nothing changed"])


def _listed(
    path: str,
    wanted: dict[str, str],
    columns: tuple[str, ...],
    url: str | None,
    key: str | None,
    folder: Path | None,
) -> None:
    with door_of(url, folder, key) as door:
        told = door.ask("GET", path, wanted=wanted)
        door.drawn()
    listed(told["data"], columns, position=told["position"], following=told["next"])
