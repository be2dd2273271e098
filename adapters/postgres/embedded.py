"""A real Postgres of our own beside the data, under a small supervisor.

One process at a time supervises (it holds a file lock); any other attaches as a client and may take over when
the supervisor is gone. A server outlives a killed supervisor and is taken over by the next one, so a crash of
ours is no crash of the database. Nothing listens on a network: a socket in a private folder, and passwords.
"""

import fcntl
import logging
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import psutil
import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from adapters.postgres import binaries as pg
from adapters.postgres import cluster, place, processes
from adapters.postgres.roles import Passwords, Role, address

log = logging.getLogger(__name__)

ADMIN = "penguinmails_admin"
DATABASE = "penguinmails"
_PORT = 5432  # names the socket's file; nothing listens on it
_START_PATIENCE = 600.0  # replaying much write-ahead log after a crash takes minutes
_STOP_PATIENCE = 30.0
_RESTARTS = 5
_RESTARTS_WITHIN = 60.0
_WAL_FIRST = 300.0
_WAL_EVERY = 86_400.0


class EmbeddedPostgresFailed(Exception):
    """The embedded Postgres did not start or stay up; the message ends with its own last words."""


class _KeepsDying(EmbeddedPostgresFailed):
    """It died so often within a minute that it is not started any more."""


class State(StrEnum):
    """How this process stands to the server."""

    STOPPED = "stopped"
    SUPERVISING = "supervising"
    ATTACHED = "attached"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Status:
    """What there is to know, for `penguinmails status` and health checks."""

    state: State
    pid: int | None
    version: str
    cluster: Path
    restarts: int
    note: str | None


class EmbeddedPostgres:
    """The Postgres of one data folder.

    with EmbeddedPostgres(Path("data")) as postgres:
        migrate(postgres.admin_dsn, postgres.passwords)
        psycopg.connect(postgres.dsn(Role.REQUEST))
    """

    def __init__(
        self,
        data: Path,
        *,
        bin_folder: Path | None = None,
        user: str | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """Choose binaries and place; nothing runs yet.

        `settings` replace those of `cluster.SETTINGS`. Raises `NoPostgres`, `NoUser`.
        """
        self.place = place.choose(data.absolute(), user)
        found = pg.find(bin_folder, self.place.major())
        self.binaries = place.reachable(found, self.place)
        self.passwords = Passwords(data.absolute() / "secrets" / "postgres.json")
        self._settings = dict(settings or {})
        self._guard = threading.RLock()
        self._lock_file: IO[str] | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._state = State.STOPPED
        self._socket_folder: Path | None = None
        self._stopping = threading.Event()
        self._watcher: threading.Thread | None = None
        self._restarts: list[float] = []
        self._wal_due = time.monotonic() + _WAL_FIRST

    def start(self, *, watch: bool = False) -> Self:
        """Have the server run and accept connections: start it, take it over, or attach.

        `watch`: keep it so from a thread, restarting it when it is killed and taking over from a supervisor
        that is gone. Raises `EmbeddedPostgresFailed`.
        """
        if self.place.note:
            log.warning("%s", self.place.note)
        self._stopping.clear()
        self._ensure()
        if watch and self._watcher is None:
            self._watcher = threading.Thread(target=self._watch, name="postgres-supervisor", daemon=True)
            self._watcher.start()
        return self

    def stop(self) -> None:
        """Stop the server at once, rolling back what is in flight, if this process supervises it."""
        self._stopping.set()
        if self._watcher is not None:
            self._watcher.join()
            self._watcher = None
        with self._guard:
            if self._lock_file is not None:
                try:
                    self._stop_server()
                finally:
                    self._release()
            self._state = State.STOPPED

    def status(self) -> Status:
        """How things stand now."""
        process = processes.postmaster(self.place.cluster)
        return Status(
            state=self._state,
            pid=process.pid if process else None,
            version=f"{self.binaries.version[0]}.{self.binaries.version[1]} from {self.binaries.origin}",
            cluster=self.place.cluster,
            restarts=len(self._restarts),
            note=self.place.note,
        )

    @property
    def admin_dsn(self) -> str:
        """The address for migrations and back-ups: the cluster's superuser, on the product's database."""
        return self._address(DATABASE)

    def dsn(self, role: Role) -> str:
        """The address for one of the product's roles (they exist once `migrate` has run)."""
        return address(self.admin_dsn, role, self.passwords)

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop what was started."""
        self.stop()

    def _address(self, database: str) -> str:
        if self._socket_folder is None:
            raise EmbeddedPostgresFailed("The embedded Postgres has not been started: call start() first.")
        return make_conninfo(
            host=str(self._socket_folder),
            port=_PORT,
            user=ADMIN,
            password=self.passwords[ADMIN],
            dbname=database,
        )

    def _ensure(self) -> None:
        """Return once the server takes connections: as its supervisor, or attached while another is.

        No event tells that a server of someone else became ready or lost its supervisor, so both are asked
        for repeatedly.
        """
        deadline = time.monotonic() + _START_PATIENCE
        while time.monotonic() < deadline:
            with self._guard:
                if self._lock_file is not None or self._acquire():
                    self._supervise(deadline)
                    return
                if self._is_ready():
                    self._state = State.ATTACHED
                    return
            self._pause()
        raise EmbeddedPostgresFailed(
            f"Another process supervises {self.place.cluster} and its Postgres took no connection for "
            f"{_START_PATIENCE:.0f} s. {cluster.last_words(self.place)}"
        )

    def _supervise(self, deadline: float) -> None:
        try:
            self._until_ready(deadline)
            self._ensure_database()
        except BaseException:
            if self._child is not None:
                self._stop_server()
            self._release()
            raise
        self._state = State.SUPERVISING

    def _until_ready(self, deadline: float) -> None:
        """Start the server unless it runs, also when one that ran dies meanwhile, and wait for it."""
        started = False
        while not self._is_ready():
            if started and self._child is not None and (code := self._child.poll()) is not None:
                raise EmbeddedPostgresFailed(
                    f"Postgres ended with code {code} while starting. {cluster.last_words(self.place)}"
                )
            if not started and processes.postmaster(self.place.cluster) is None:
                self._start_server()
                started = True
            if time.monotonic() > deadline:
                raise EmbeddedPostgresFailed(
                    f"Postgres took no connection for {_START_PATIENCE:.0f} s. "
                    f"{cluster.last_words(self.place)}"
                )
            self._pause()

    def _pause(self) -> None:
        if self._stopping.wait(0.02):
            raise EmbeddedPostgresFailed("The embedded Postgres was stopped while it was starting.")

    def _acquire(self) -> bool:
        held = self.place.lock.open("w", encoding="ascii")
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held.close()
            return False
        self._lock_file = held
        return True

    def _release(self) -> None:
        if self._lock_file is not None:
            self._lock_file.close()
            self._lock_file = None

    def _start_server(self) -> None:
        if self._child is not None:
            self._child.wait(_STOP_PATIENCE)  # dead or dying: a zombie until it is asked for
            self._child = None
        self._socket_folder = self.place.socket_folder()
        processes.clear_stale(self.place.cluster, self._socket_folder)
        if not self.place.cluster.exists():
            cluster.create(self.place, self.binaries, ADMIN, self.passwords[ADMIN])
        cluster.configure(self.place, self._socket_folder, self._settings)
        account = self.place.account
        with cluster.first_words(self.place).open("wb") as words:
            self._child = subprocess.Popen(
                [self.binaries.postgres, "-D", self.place.cluster],
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=words,
                cwd="/",
                env=cluster.environment(),
                start_new_session=True,  # Ctrl-C is for us; we then stop it in order
                user=account.uid if account.switch else None,
                group=account.gid if account.switch else None,
                extra_groups=[] if account.switch else None,
            )

    def _is_ready(self) -> bool:
        told = processes.read_pid_file(self.place.cluster)
        if told is None or not told.ready or processes.postmaster(self.place.cluster) is None:
            return False
        self._socket_folder = told.socket_folder
        try:
            psycopg.connect(self._address("postgres"), connect_timeout=5).close()
        except psycopg.OperationalError as refused:
            if "password authentication failed" in str(refused):
                raise EmbeddedPostgresFailed(
                    f"The database refuses the password in {self.passwords.file}: "
                    "put back the file that belongs to this database."
                ) from refused
            return False
        return True

    def _ensure_database(self) -> None:
        with psycopg.connect(self._address("postgres"), autocommit=True) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,))
            if found.fetchone() is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))

    def _stop_server(self) -> None:
        process = processes.postmaster(self.place.cluster)
        if process is None and self._child is not None and self._child.poll() is None:
            process = psutil.Process(self._child.pid)  # so young that it has no pid file
        if process is not None:
            process.send_signal(signal.SIGINT)  # Postgres's fast shutdown
            if processes.still_there([process], _STOP_PATIENCE):
                log.warning("Postgres did not stop within %.0f s; ending it", _STOP_PATIENCE)
                processes.end([process, *processes.survivors(self.place.cluster)])
        if self._child is not None:
            self._child.wait(_STOP_PATIENCE)
            self._child = None

    def retire_wal(self) -> None:
        """Begin a new segment of the write-ahead log and remove those before it. Raises psycopg's errors.

        A server that nobody uses would keep the last one for ever, with pages that held what was erased since.
        """
        with psycopg.connect(self.admin_dsn, autocommit=True, connect_timeout=10) as connection:
            connection.execute("SELECT pg_switch_wal()")
            connection.execute("CHECKPOINT")

    def _retire_wal_daily(self) -> None:
        if self._lock_file is None or time.monotonic() < self._wal_due:
            return
        self._wal_due = time.monotonic() + _WAL_EVERY
        self.retire_wal()

    def _watch(self) -> None:
        """Until stopped: see that the server runs. Gives up, loudly, on one that keeps dying."""
        failed = 0  # starts in a row that did not end well
        while not self._stopping.wait(0.2):
            try:
                with self._guard:
                    self._recover()
                self._retire_wal_daily()
                failed = 0
            except psycopg.Error:
                log.warning("the embedded Postgres went away while it was looked at; looking again")
            except _KeepsDying:
                log.exception("the embedded Postgres does not stay up")
                self._state = State.FAILED
                return
            except EmbeddedPostgresFailed:
                failed += 1
                if self._stopping.is_set():
                    return
                if failed > _RESTARTS:
                    log.exception("the embedded Postgres does not start")
                    self._state = State.FAILED
                    return
                log.warning(
                    "the embedded Postgres died while it was starting; starting it again", exc_info=True
                )

    def _recover(self) -> None:
        supervising = self._lock_file is not None
        alive = processes.postmaster(self.place.cluster) is not None
        if (supervising and alive) or (not supervising and not self._acquire()):
            return
        if not alive:
            now = time.monotonic()
            self._restarts.append(now)
            if sum(moment > now - _RESTARTS_WITHIN for moment in self._restarts) > _RESTARTS:
                self._release()
                raise _KeepsDying(
                    f"Postgres died {_RESTARTS} times within a minute. {cluster.last_words(self.place)}"
                )
            log.warning("Postgres is gone; starting it again")
        self._ensure()
