"""The files of the embedded cluster: made once by initdb, configured at every start."""

import os
import secrets
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from adapters.postgres.binaries import Binaries
from adapters.postgres.place import Place, write_private

SETTINGS: Mapping[str, str] = MappingProxyType(
    {
        "listen_addresses": "",  # the socket alone
        "max_connections": "100",
        "shared_buffers": "256MB",
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "commit_delay": "0",  # the log groups its commits itself
        "wal_level": "replica",
        "max_wal_size": "2GB",
        "min_wal_size": "256MB",
        "checkpoint_timeout": "15min",
        # Old segments are removed, not kept to be written over: they hold what was erased since.
        "wal_recycle": "off",
        "random_page_cost": "1.1",
        "jit": "off",  # statements are short; compiling them costs more than it gives
        "timezone": "UTC",
        "log_timezone": "UTC",
        "datestyle": "ISO, YMD",
        "password_encryption": "scram-sha-256",
        # The log's tables only grow: freeze and analyse them by what was added, in small steps.
        "autovacuum_naptime": "20s",
        "autovacuum_vacuum_insert_scale_factor": "0.05",
        "autovacuum_analyze_scale_factor": "0.05",
        "autovacuum_vacuum_scale_factor": "0.05",
        # One file a weekday, begun anew each week. No statements and no details: both can hold personal data.
        "logging_collector": "on",
        "log_filename": "postgres-%a.log",
        "log_file_mode": "0600",
        "log_rotation_age": "1d",
        "log_rotation_size": "0",
        "log_truncate_on_rotation": "on",
        "log_line_prefix": "%m [%p] %q%u ",
        "log_min_messages": "warning",
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
        "log_parameter_max_length": "0",
        "log_parameter_max_length_on_error": "0",
    }
)
_OURS = "penguinmails.conf"


class ClusterNotMade(Exception):
    """initdb failed; the message holds its own words."""


def environment() -> dict[str, str]:
    """The environment of Postgres's programs: nothing of ours but where to find programs and the locale C."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def create(place: Place, binaries: Binaries, admin: str, password: str) -> None:
    """Make the cluster, whole or not at all. Raises `ClusterNotMade`."""
    making = place.cluster.with_name("cluster.making")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(mode=0o700)
    place.account.give(making)
    told = place.logs / f"initdb-{secrets.token_hex(4)}"
    try:
        write_private(told, password)
        place.account.give(told)
        done = subprocess.run(
            [
                binaries.initdb,
                f"--pgdata={making}",
                f"--username={admin}",
                f"--pwfile={told}",
                "--auth-local=scram-sha-256",
                "--auth-host=reject",
                "--encoding=UTF8",
                "--locale=C",
                "--no-instructions",
            ],
            capture_output=True,
            text=True,
            cwd="/",
            env=environment(),
            user=place.account.uid if place.account.switch else None,
            group=place.account.gid if place.account.switch else None,
            extra_groups=[] if place.account.switch else None,
            check=False,
        )
    finally:
        told.unlink(missing_ok=True)
    if done.returncode != 0:
        raise ClusterNotMade(f"initdb of {binaries.origin} failed: {done.stderr.strip()[-1000:]}")
    with (making / "postgresql.conf").open("a", encoding="utf-8") as conf:
        conf.write(f"\ninclude '{_OURS}'\n")
    (making / "pg_hba.conf").write_text("local all all scram-sha-256\n", encoding="utf-8")
    making.rename(place.cluster)


def configure(place: Place, socket_folder: Path, changes: Mapping[str, str]) -> None:
    """Write our settings for the next start."""
    values = {
        **SETTINGS,
        "log_directory": str(place.logs),
        "unix_socket_directories": str(socket_folder),
        "unix_socket_permissions": "0700",
        **changes,
    }
    quoted = {name: value.replace("'", "''") for name, value in values.items()}
    lines = [f"{name} = '{value}'\n" for name, value in quoted.items()]
    file = place.cluster / _OURS
    file.write_text("# Written by PenguinMails at every start.\n" + "".join(lines), encoding="utf-8")
    file.chmod(0o600)
    place.account.give(file)


def first_words(place: Place) -> Path:
    """What Postgres says before its own log is open."""
    return place.logs / "start.log"


def last_words(place: Place) -> str:
    """The end of the newest log, for an error message."""
    try:
        newest = max(place.logs.glob("*.log"), key=lambda file: file.stat().st_mtime)
        return f"{newest} ends: {newest.read_text(encoding='utf-8', errors='replace').strip()[-1500:]}"
    except (OSError, ValueError):
        return f"It left no log in {place.logs}."
