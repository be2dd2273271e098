"""The running API as commands use it: patient, under one idempotency key for each thing that is asked."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import quote

import typer

from api.cli.files import put
from api.cli.options import key_text, settings_of
from api.cli.output import Refused, with_remedy, words
from api.cli.progress import bars

if TYPE_CHECKING:
    import httpx
    from rich.progress import Progress, TaskID

_PIECE: Final = 1 << 16
_PATIENCE: Final = 300.0
_LOOK_EVERY: Final = 0.5
_SAY_EVERY: Final = 5.0
UNDONE: Final = "rolled_back"
_OVER: Final = frozenset({"completed", "failed", "cancelled", "expired", "rolling_back", UNDONE})
_AGAIN: Final = frozenset({429, 502, 503, 504})
_TRIES: Final = 5

Url = Annotated[
    str | None,
    typer.Option("--url", envvar="PENGUINMAILS_URL", help="Address of the API; else the local one's."),
]


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

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        same: str | None = None,
        wanted: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        """One request, under the idempotency key `same` where it changes something."""
        headers = {} if same is None else {"Idempotency-Key": same}
        answer = self._patiently(
            lambda: self._http.request(method, path, params=wanted, json=body, headers=headers)
        )
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
                accepted(answer)
            yield from answer.iter_lines()

    def batch(self, lines: Sequence[dict[str, Any]], *, dry_run: bool = False) -> dict[str, dict[str, Any]]:
        """The answers to commands, by the id of each line; one that has to wait is sent again, for five minutes."""
        from api.ops.errors import CannotRun

        headers = {"Content-Type": "application/x-ndjson", "Penguin-Dry-Run": str(dry_run).lower()}
        answers: dict[str, dict[str, Any]] = {}
        waiting, deadline = list(lines), time.monotonic() + _PATIENCE
        while waiting:
            body = "\n".join(json.dumps(line) for line in waiting).encode()
            told = self._patiently(
                lambda body=body: self._http.post("/v1/batch", content=body, headers=headers)
            )
            answers |= {one["id"]: one for one in map(json.loads, told.text.splitlines()) if one["id"]}
            waiting = [
                line for line in waiting if answers.get(line["id"], {"status": 503})["status"] in _AGAIN
            ]
            if waiting and time.monotonic() > deadline:
                raise CannotRun(
                    "Some lines are not answered. Run the same command again: it goes on where it was."
                )
            time.sleep(1.0 if waiting else 0.0)
        return answers

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
                    return accepted(answer)
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
        self.save(f"/v1/audience/imports/{state['id']}/errors", {}, to)
        return to

    def save(self, path: str, wanted: dict[str, str], to: Path) -> httpx.Response:
        """Write an answer to a file, which only you may read."""
        answer = self._patiently(lambda: self._http.get(path, params=wanted))
        put(answer.content, to)
        return answer

    def save_more(self, path: str, body: Mapping[str, Any], to: Path) -> None:
        """Write an answer to a file as it comes, after what is there of it. Raises `Refused` for a problem.

        A connection that breaks is taken up again where it broke, some times.
        """
        import httpx

        bar = self._bars.add_task(to.name, total=None)
        for left in range(_TRIES, -1, -1):
            done = to.stat().st_size
            try:
                with (
                    self._http.stream("POST", path, json={**body, "from_byte": done}) as answer,
                    to.open("ab") as file,
                ):
                    if not answer.is_success:
                        answer.read()
                        accepted(answer)
                    for piece in answer.iter_bytes():
                        file.write(piece)
                        self._bars.advance(bar, len(piece))
                return
            except httpx.TransportError:
                if left == 0 or to.stat().st_size == done:
                    raise

    def post(self, path: str, body: object) -> httpx.Response:
        """The answer, in whichever form, to a question that is asked in a body."""
        return self._patiently(lambda: self._http.post(path, json=body))


def completeness_of(answer: httpx.Response) -> dict[str, Any]:
    """The certificate of an export that was handed out."""
    told: dict[str, Any] = json.loads(answer.headers["penguin-completeness"])
    return told


def accepted(answer: httpx.Response) -> httpx.Response:
    """The answer, where it is none that refuses. Raises `Refused` and `NotThere`, each thing said once."""
    from api.cli.output import NotThere

    if answer.is_success:
        return answer
    told = answer.json() if "json" in answer.headers.get("content-type", "") else {}
    said = told.get("detail") or told.get("title") or f"the API answered {answer.status_code}"
    errors = told.get("errors", [])
    fields = [f"{one.get('pointer') or one.get('parameter')}: {one.get('detail')}" for one in errors]
    if all(one.get("detail") != said for one in errors):
        fields.insert(0, said)
    message = with_remedy(" ".join(fields), told)
    if answer.status_code == 404:  # noqa: PLR2004 - HTTP's own
        raise NotThere(message)
    raise Refused(message, told)
