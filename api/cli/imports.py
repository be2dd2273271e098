"""`penguinmails import`: a file of contacts through the running API, watched to its end; and taking one back.

The same file into the same workspace is the same import: run the command again after an interruption, of this program
or of the other side, and it goes on.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import quote
from uuid import UUID

import typer

from api.cli.options import Data, Key, key_text, settings_of
from api.cli.output import Group, Json, Refused, data, with_remedy, words
from api.cli.progress import bars
from domain.audience.intake import DateOrder
from domain.audience.intake.mapping import Duplicates

if TYPE_CHECKING:
    import httpx
    from rich.progress import Progress, TaskID

app = typer.Typer(cls=Group, help="Files of contacts.", no_args_is_help=True)

_PIECE: Final = 1 << 16
_PATIENCE: Final = 300.0
_LOOK_EVERY: Final = 0.5
_SAY_EVERY: Final = 5.0
_UNDONE: Final = "rolled_back"
_OVER: Final = frozenset({"completed", "failed", "cancelled", "expired", "rolling_back", _UNDONE})
_AGAIN: Final = frozenset({429, 502, 503, 504})
_COUNTS: Final = ("imported", "updated", "skipped", "rejected")

Url = Annotated[
    str | None,
    typer.Option("--url", envvar="PENGUINMAILS_URL", help="Address of the API; else the local one's."),
]


Columns = Annotated[
    list[str] | None,
    typer.Option("--map", help="COLUMN=TARGET, overriding a guess; target `ignore` leaves a column out."),
]
Dates = Annotated[
    DateOrder | None, typer.Option("--date-order", help="How dates such as 03/04/2026 are meant.")
]
Timezone = Annotated[str | None, typer.Option("--timezone", help="Zone of times without an offset.")]
Encoding = Annotated[str | None, typer.Option("--encoding", help="Encoding, where it is guessed wrong.")]
Delimiter = Annotated[str | None, typer.Option("--delimiter", help="Delimiter, where it is guessed wrong.")]
Errors = Annotated[
    Path | None, typer.Option("--errors", help="Where rejected rows are written; else beside the file.")
]
SameKey = Annotated[
    str | None, typer.Option("--idempotency-key", help="Another one imports the same file anew.")
]


@app.command("contacts")
def contacts(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="The CSV file.")],
    *,
    workspace: Annotated[
        UUID | None,
        typer.Option("--workspace", help="Where the contacts go; may be left out where there is one."),
    ] = None,
    map_: Columns = None,
    date_order: Dates = None,
    duplicates: Annotated[
        Duplicates | None,
        typer.Option("--duplicates", help="What a row does whose address is there already."),
    ] = None,
    timezone: Timezone = None,
    country: Annotated[
        str | None, typer.Option("--default-country", help="ISO code for rows that name no country.")
    ] = None,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    list_id: Annotated[
        UUID | None, typer.Option("--list", help="List that the contacts go onto, too.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would become of every row; import none.")
    ] = False,
    errors: Errors = None,
    idempotency_key: SameKey = None,
    url: Url = None,
    key: Key = None,
    data_folder: Data = None,
    json_: Json = False,
) -> None:
    """Import a CSV file of contacts: upload, look, import, watch; rejected rows come back as a file to correct.

    Every row ends as imported, updated, skipped or rejected; the file holds the first 100,000 that were rejected.
    Run it again after an interruption: it goes on.
    """
    del json_
    mapping = {
        "columns": columns_of(map_ or []),
        "date_order": date_order,
        "duplicates": duplicates,
        "timezone": timezone,
        "default_country": country,
    }
    mapping = {name: value for name, value in mapping.items() if value}
    with door_of(url, data_folder, key) as door:
        into = str(workspace) if workspace is not None else door.only_workspace()
        same = idempotency_key or digest_of(file, into, encoding, delimiter)
        reading = {"encoding": encoding, "delimiter": delimiter}
        uploaded = door.upload(file, into, same, {name: value for name, value in reading.items() if value})
        how = {"mapping": mapping, **({"list_id": str(list_id)} if list_id else {})}
        bring_in(door, uploaded, file, how, same, errors, dry_run=dry_run)


@app.command("rollback")
def rollback(
    import_id: Annotated[UUID, typer.Argument(help="Id of the import, as `import contacts --json` told it.")],
    *,
    url: Url = None,
    key: Key = None,
    data_folder: Data = None,
    json_: Json = False,
) -> None:
    """Undo an import that has ended, and watch that to its end: who was new is removed, who was changed is put back.

    Opt-outs stay, and so does whatever somebody changed since. Run it again after an interruption: it goes on.
    """
    del json_
    with door_of(url, data_folder, key) as door:
        same = f"import/{import_id}/roll-back"
        door.ask("POST", f"/v1/audience/{import_id}/roll-back-import", {}, same)
        state = door.watch(str(import_id), "taking back", until=frozenset({_UNDONE}))
        door.drawn()
        undone = state["undone"]
        lines = [f"{name:<9} {count}" for name, count in undone.items()]
        data({"id": state["id"], "status": state["status"], **undone}, lines)


def columns_of(given: list[str]) -> dict[str, str]:
    """Columns that are sent somewhere, from `COLUMN=TARGET`."""
    columns = {}
    for one in given:
        column, equals, target = one.rpartition("=")
        if not equals or not column or not target:
            raise typer.BadParameter("write it as COLUMN=TARGET", param_hint="--map")
        columns[column] = target
    return columns


def digest_of(file: Path, *how: str | None) -> str:
    """The idempotency key of a file: what is in it, and how it is to be read."""
    digest = hashlib.sha256(json.dumps(how).encode())
    with file.open("rb") as content:
        while piece := content.read(_PIECE):
            digest.update(piece)
    return f"import/{digest.hexdigest()[:40]}"


@contextmanager
def door_of(url: str | None, data_folder: Path | None, key: str | None) -> Iterator[Door]:
    """The API that is served here, or at `url`. Raises `CannotRun`, `Unauthenticated`."""
    import httpx

    from api.ops.errors import CannotRun
    from api.ops.state import RunState
    from application.principals import Unauthenticated

    address = url or RunState(settings_of(data_folder).root / "run").address()
    if address is None:
        raise CannotRun("Nothing is served here. Start `penguinmails serve`, or name the API with --url.")
    text = key_text(key)
    if text is None:
        raise Unauthenticated("Give an API key: --key, or PENGUINMAILS_KEY in the environment.")
    headers = {"Authorization": f"Bearer {text}"}
    with httpx.Client(base_url=address, headers=headers, timeout=60.0) as http, bars() as drawing:
        yield Door(http, drawing)


class Door:
    """The API, patient: what is away for a while is asked again."""

    def __init__(self, http: httpx.Client, bars: Progress) -> None:
        self._http = http
        self._bars = bars

    def ask(self, method: str, path: str, body: object = None, same: str | None = None) -> dict[str, Any]:
        """One request, under the idempotency key `same` where it changes something."""
        headers = {} if same is None else {"Idempotency-Key": same}
        answer = self._patiently(lambda: self._http.request(method, path, json=body, headers=headers))
        told: dict[str, Any] = answer.json()
        return told

    def start(self, import_id: str, how: dict[str, Any], same: str) -> None:
        """Start an import; started before in the same way, it is that one."""
        try:
            self.ask("POST", f"/v1/audience/{import_id}/start-import", how, f"{same}/start")
        except Refused as refused:
            if not str((refused.told or {}).get("type")).endswith("/key-reused"):
                raise
            raise Refused(
                "This file was imported before, with other options. To import it anew, give an --idempotency-key."
            ) from None

    def lines(self, path: str, wanted: dict[str, str]) -> Iterator[str]:
        """The lines of a file as they come. Raises `Refused` for a problem."""
        with self._http.stream("GET", path, params=wanted) as answer:
            if not answer.is_success:
                answer.read()
                _accepted(answer)
            yield from answer.iter_lines()

    def _patiently(self, send: Any) -> httpx.Response:
        """The answer, once there is one. Raises `Refused` for a problem, `CannotRun` after five minutes without."""
        import httpx

        from api.ops.errors import CannotRun

        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                answer: httpx.Response = send()
            except httpx.TransportError:
                pause = 1.0
            else:
                if answer.status_code not in _AGAIN:
                    return _accepted(answer)
                pause = min(float(answer.headers.get("retry-after", "1") or 1), 60.0)
            if time.monotonic() + pause > deadline:
                raise CannotRun(
                    "The API does not answer. Run the same command again: it goes on where it was."
                )
            time.sleep(pause)

    def only_workspace(self) -> str:
        """The tenant's workspace, where there is but one."""
        found = self.ask("GET", "/v1/tenancy/workspaces")["data"]
        if len(found) != 1:
            names = "; ".join(f"{one['workspace_id']} {one['name']}" for one in found)
            raise typer.BadParameter(f"name one of: {names}", param_hint="--workspace")
        return str(found[0]["workspace_id"])

    def upload(self, file: Path, workspace: str, same: str, reading: dict[str, str]) -> dict[str, Any]:
        """Send the file; sent before, it is the same import."""
        size = file.stat().st_size
        headers = {
            "Content-Type": "text/csv",
            "Content-Length": str(size),
            "Penguin-File-Name": quote(file.name),
            "Idempotency-Key": same,
        }
        bar = self._bars.add_task("uploading", total=size)

        def send() -> httpx.Response:
            self._bars.reset(bar)
            with file.open("rb") as content:
                return self._http.post(
                    "/v1/audience/imports",
                    params={"workspace_id": workspace, **reading},
                    content=self._pieces(content, bar),
                    headers=headers,
                )

        told: dict[str, Any] = self._patiently(send).json()
        self._bars.remove_task(bar)
        return told

    def _pieces(self, content: Any, bar: TaskID) -> Iterator[bytes]:
        while piece := content.read(_PIECE):
            yield piece
            self._bars.advance(bar, len(piece))

    def watch(
        self, import_id: str, what: str, rows: int | None = None, *, until: frozenset[str] = _OVER
    ) -> dict[str, Any]:
        """The import's state, once it is one of `until`; `rows` is how many the file has, where that is known."""
        bar, said = self._bars.add_task(what, total=rows), time.monotonic()
        while True:
            state: dict[str, Any] = self.ask("GET", f"/v1/audience/imports/{import_id}/progress")["data"]
            over = state["status"] in until
            # How many there were is known at the end, even where it was not before.
            total = state["rows_done"] if over and rows is None else rows
            self._bars.update(bar, completed=state["rows_done"], total=total)
            if over:
                return state
            if self._bars.disable and time.monotonic() - said > _SAY_EVERY:
                words(f"{state['rows_done']} of {rows or 'all'} rows done")
                said = time.monotonic()
            time.sleep(_LOOK_EVERY)

    def drawn(self) -> None:
        """Draw no more: what is shown next stands below the bars."""
        self._bars.stop()

    def save_errors(self, state: dict[str, Any], to: Path) -> Path | None:
        """Write the rejected rows to a file, where there are any."""
        if not state["rejected"] or state["files_destroyed"]:
            return None
        answer = self._patiently(lambda: self._http.get(f"/v1/audience/imports/{state['id']}/errors"))
        draft = to.with_name(f"{to.name}.new")
        draft.touch(mode=0o600)
        draft.write_bytes(answer.content)
        draft.replace(to)
        return to


def _accepted(answer: httpx.Response) -> httpx.Response:
    from api.cli.output import NotThere

    if answer.is_success:
        return answer
    told = answer.json() if "json" in answer.headers.get("content-type", "") else {}
    said = told.get("detail") or told.get("title") or f"the API answered {answer.status_code}"
    fields = [
        f"{one.get('pointer') or one.get('parameter')}: {one.get('detail')}" for one in told.get("errors", [])
    ]
    message = with_remedy(" ".join([said, *fields]), told)
    if answer.status_code == 404:  # noqa: PLR2004 - HTTP's own
        raise NotThere(message)
    raise Refused(message, told)


def bring_in(
    door: Door,
    uploaded: dict[str, Any],
    file: Path,
    how: dict[str, Any],
    same: str,
    errors: Path | None,
    *,
    dry_run: bool,
) -> None:
    """Import an uploaded file to its end and show what became of it; a dry run shows what would."""
    if dry_run:
        path = f"/v1/audience/imports/{uploaded['id']}/preview"
        found = door.ask("POST", path, how["mapping"])["data"]
        door.drawn()
        show_preview(found)
        return
    door.start(uploaded["id"], how, same)
    state = door.watch(uploaded["id"], "importing", (uploaded["file"] or {}).get("rows"))
    saved = door.save_errors(state, errors or file.with_name(f"{file.name}.errors.csv"))
    door.drawn()
    show_end(state, saved)


def show_preview(found: dict[str, Any]) -> None:
    """Show what an import would do."""
    lines = [f"{name:<12} {count}" for name, count in found["outcomes"].items()]
    lines += [f"  {code}: {count}" for code, count in sorted(found.get("problems", {}).items())]
    data(found, lines)
    sys.stdout.flush()
    words("Nothing was imported: this was a dry run.")
    refusal = found.get("refusal")
    if refusal is not None:
        raise Refused(with_remedy(refusal["message"], refusal), refusal)


def show_end(state: dict[str, Any], saved: Path | None) -> None:
    """Show what an import did. Raises `Refused` where it did not come to its end."""
    lines = [f"rows      {state['rows_done']}", *(f"{name:<9} {state[name]}" for name in _COUNTS)]
    lines += [f"  {code}: {count}" for code, count in sorted(state["problems"].items())]
    data({**state, "errors_file": None if saved is None else str(saved)}, lines)
    sys.stdout.flush()
    if saved is not None:
        words(f"{_which(state)} rejected rows are in {saved}, each with what to correct.")
    if state["status"] != "completed":
        failure = state.get("failure")
        raise Refused(
            with_remedy(f"The import is {state['status']}{f': {failure}' if failure else ''}.", state)
        )


def _which(state: dict[str, Any]) -> str:
    """Which of the rejected rows the error file holds."""
    kept: int = state.get("rejected_kept", state["rejected"])  # an older API kept them all
    return "The" if kept == state["rejected"] else f"The first {kept:,} of {state['rejected']:,}"
