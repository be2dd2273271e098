"""`penguinmails jobs`: the jobs that were given up, and another try for one whose cause is gone."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from api.cli.options import Data, settings_of
from api.cli.output import Group, Json, NotThere, data, rows, words

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from psycopg import Connection

app = typer.Typer(cls=Group, help="The jobs that the worker gave up.", no_args_is_help=True)


@contextmanager
def _at_work(data_folder: Path | None) -> Iterator[Connection[Any]]:
    import psycopg

    from adapters.postgres.roles import Role
    from api.ops import logs
    from api.ops.database import opened

    settings = settings_of(data_folder)
    if settings.database_url is None and not settings.root.exists():
        raise NotThere(f"There is no installation in {settings.root}. Name its folder with --data.")
    logs.set_up("cli", level="warning", form=settings.log_format)
    with (
        opened(settings, watch=False) as database,
        psycopg.connect(settings.dsn(Role.PROJECTOR, database.admin), autocommit=True) as connection,
    ):
        yield connection


@app.command("list")
def list_(*, data_folder: Data = None, json_: Json = False) -> None:
    """Show the jobs that were given up, the latest first: whose, what they do, what went wrong last."""
    from projections.jobs.runs import failed_jobs

    del json_
    with _at_work(data_folder) as connection:
        failed = failed_jobs(connection)
    columns = ("job_id", "tenant_id", "workflow", "attempts", "error", "since")
    rows([asdict(job) for job in failed], columns)
    if failed:
        words("When the cause of one is gone: penguinmails jobs retry JOB")
    else:
        words("No job was given up.")


@app.command("retry")
def retry(
    job: Annotated[UUID, typer.Argument(help="The job's id; `penguinmails jobs list` shows it.")],
    *,
    data_folder: Data = None,
    json_: Json = False,
) -> None:
    """Give a job that was given up all its attempts again; a worker takes it up at once."""
    from projections.jobs.runs import retry_job

    del json_
    with _at_work(data_folder) as connection:
        if not retry_job(connection, job):
            raise NotThere("No job with this id was given up. It may be running again already.")
    data({"job_id": str(job), "state": "waiting"}, [f"{job}: trying again"])
