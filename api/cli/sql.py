"""`penguinmails sql`: ask the facts in SQL."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import UUID

import typer

from adapters.exports.names import FileName
from api.cli.door import Url, completeness_of, door_of
from api.cli.files import form_of, put
from api.cli.options import Data, Key, settings_of
from api.cli.output import Json, NotThere, as_json, data, rows, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.exports.answered import Answered
    from api.cli.door import Door
    from api.cli.inside import Inside
    from application.ports.sql import SqlAnswer

_CUT: Final = "There are more rows than an answer holds."


def sql(
    text: Annotated[
        str | None, typer.Argument(metavar="[SQL]", help="One SELECT.", show_default=False)
    ] = None,
    *,
    file: Annotated[
        str | None,
        typer.Option("--file", help="A file that holds it; - is standard input.", show_default=False),
    ] = None,
    saved: Annotated[
        UUID | None,
        typer.Option("--saved", help="A saved query's id, in place of the SQL.", show_default=False),
    ] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Write CSV to standard output.")] = False,
    format_: Annotated[
        FileName | None, typer.Option("--format", help="Form of the file; else by its ending.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", dir_okay=False, help="Where the file is written.")
    ] = None,
    url: Url = None,
    key: Key = None,
    data_folder: Data = None,
    json_: Json = False,
) -> None:
    """Ask one SELECT over the facts of the key's tenant; show it, or write a file: CSV, a workbook, Parquet, Arrow.

    Through the API at --url, else on the installation here. It runs within limits, in a process of its own;
    `GET /v1/sql/schema` and docs/sql.md tell the tables. Asking is recorded, what was asked is not.
    """
    from pydantic import TypeAdapter

    from adapters.exports.answered import Answered
    from adapters.exports.answers import ANSWER_FILES
    from adapters.exports.separated import Separated
    from api.analytics import sql_limits
    from api.cli.inside import working
    from application.completeness import Checkpoints
    from application.ports.sql import SqlQuestion
    from application.reading import Read
    from application.sql import must_hold_everywhere
    from domain.access.reads import ReadKind
    from domain.kernel.errors import NotFound
    from domain.reporting.saved_query import SavedQuery, SqlText

    if csv and (json_ or output):
        raise typer.BadParameter("say --csv, or --json or --output, not both")
    form = form_of(format_, output)
    if saved is not None and (text is not None or file is not None):
        raise typer.BadParameter("give the SQL, or the id of a saved query, not both", param_hint="--saved")
    typed = None if saved is not None else TypeAdapter(SqlText).validate_python(_text(text, file))
    if url is not None:
        path, body = ("/v1/sql", {"sql": typed}) if saved is None else (f"/v1/sql/queries/{saved}/run", {})
        with door_of(url, data_folder, key) as door:
            _through(door, path, body, "csv" if csv else form and form.value, output)
        return

    async def work(inside: Inside) -> None:
        principal = await inside.principal(key)
        must_hold_everywhere(principal)
        wanted = typed
        if saved is not None:
            kept = await inside.parts.commands.state(principal.tenant_id, "saved_query", saved)
            if not isinstance(kept, SavedQuery):
                raise NotFound
            wanted = kept.sql
        question = SqlQuestion(principal.tenant_id, wanted or "", permissions=principal.permissions)
        found = await inside.parts.sql.ask(question)
        actor = f"{principal.actor.kind} {principal.actor.id}"
        checkpoint = await Checkpoints(inside.parts.ledger).of(principal.tenant_id, found.position)
        made = Answered(found, question, actor, sql_limits(inside.parts.settings), saved, checkpoint)
        file = None if form is None else ANSWER_FILES[form](made, Separated())
        read = Read(
            principal=principal,
            query="sql.ask" if saved is None else "sql.run",
            kind=ReadKind.EXPORT,
            position=found.position.token(),
            rows=found.table.num_rows,
            filters=_tables(found, saved),
            channel="cli",
        )
        await inside.parts.access.record(read)
        if file is not None and output is not None:
            as_of = None if found.as_of is None else found.as_of.isoformat()
            _wrote(output, file, as_of, made.completeness.told(), cut=found.truncated)
        else:
            _show(made, csv=csv)

    working(settings_of(data_folder), work)


def _text(text: str | None, file: str | None) -> str:
    if (text is None) == (file is None):
        raise typer.BadParameter("give the SQL, or a --file that holds it")
    if text is not None:
        return text
    if file == "-":
        return sys.stdin.read()
    try:
        return Path(str(file)).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise NotThere(f"--file names {file}, which cannot be read as UTF-8") from None


def _tables(found: SqlAnswer, saved: UUID | None) -> str:
    import json

    which = {} if saved is None else {"query_id": str(saved)}
    return json.dumps({**which, "tables": list(found.tables)}, separators=(",", ":"))


def _through(
    door: Door, path: str, body: dict[str, str | None], form: str | None, output: Path | None
) -> None:
    """Ask the API, and show what it answers."""
    if form is None:
        told = door.ask("POST", path, body)
        door.drawn()
        if as_json():
            data(told)
        else:
            _table([column["name"] for column in told["columns"]], told["data"])
            _made_from(told["position"], cut=told["truncated"])
        return
    answer = door.post(path, {**body, "format": form})
    door.drawn()
    position, cut = answer.headers["penguin-position"], answer.headers["penguin-truncated"] == "true"
    if output is None:
        sys.stdout.write(answer.content.decode())
        _made_from(position, cut=cut)
    else:
        told = completeness_of(answer)
        _wrote(output, answer.content, answer.headers["penguin-as-of"] or None, told, cut=cut)


def _wrote(output: Path, content: bytes, as_of: str | None, made: dict[str, Any], *, cut: bool) -> None:
    put(content, output)
    data(
        {
            "file": str(output),
            "as_of": as_of,
            "position": made["position"],
            "truncated": cut,
            "completeness": made,
        },
        [f"{output}: as of {as_of or 'the beginning'}"],
    )
    if cut:
        words(_CUT)


def _table(names: Sequence[str], lines: Sequence[Sequence[object]]) -> None:
    """Under their names; by number, since columns may share a name."""
    columns = [str(number) for number in range(len(names))]
    rows([dict(zip(columns, line, strict=True)) for line in (names, *lines)], columns)


def _made_from(position: str, *, cut: bool) -> None:
    words(f"As of position {position}." + (f" {_CUT}" if cut else ""))


def _show(made: Answered, *, csv: bool) -> None:
    from adapters.exports.answers import csv_bytes
    from adapters.exports.separated import Separated
    from api import sql_answers

    found = made.answer
    told = sql_answers.as_json(made)
    if csv:
        sys.stdout.write(csv_bytes(made, Separated()).decode())
    elif as_json():
        data(told)
    else:
        _table(found.table.column_names, told["data"])
    if csv or not as_json():
        _made_from(found.position.token(), cut=found.truncated)
