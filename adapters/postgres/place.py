"""Where the embedded Postgres keeps its files, and which user it runs as.

Postgres refuses to run as root. Started by root, it is given to another user: the owner of an existing
cluster, the user that a setting names, `postgres`, or `nobody`. That user must be able to reach the files;
folders above the data folder are never changed for it. Where it cannot, the cluster is put below
/var/lib/penguinmails and the data folder keeps a note of where.
"""

import hashlib
import os
import pwd
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from adapters import sockets
from adapters.postgres.binaries import Binaries

_REFUGE = Path("/var/lib/penguinmails")
_USERS = ("postgres", "nobody")


class NoUser(Exception):
    """Started as root, and there is no other user to run Postgres as. Set PENGUINMAILS_PG_USER."""


@dataclass(frozen=True, slots=True)
class Account:
    """Who Postgres runs as. `switch`: it is not the user of this process."""

    uid: int
    gid: int
    switch: bool

    def give(self, path: Path) -> None:
        """Make the account the owner of a file or folder of ours."""
        if self.switch:
            os.chown(path, self.uid, self.gid)

    def may(self, path: Path, what: str) -> bool:
        """Whether the account has the access `what` ('x', 'w' or 'r'), asked as that user."""
        if not self.switch:
            return os.access(path, {"r": os.R_OK, "w": os.W_OK, "x": os.X_OK}[what])
        asked = subprocess.run(
            ["/bin/sh", "-c", f'test -{what} "$1"', "sh", path],
            user=self.uid,
            group=self.gid,
            extra_groups=[],
            cwd="/",
            check=False,
        )
        return asked.returncode == 0


@dataclass(frozen=True, slots=True)
class Place:
    """The folders of one embedded Postgres. `note` says, for people, when they are not in the data folder."""

    home: Path
    account: Account
    note: str | None

    @property
    def cluster(self) -> Path:
        """Postgres's own data folder."""
        return self.home / "cluster"

    @property
    def logs(self) -> Path:
        """The server's log files, one a weekday."""
        return self.home / "log"

    @property
    def lock(self) -> Path:
        """Locked by the one supervisor."""
        return self.home / "supervisor.lock"

    def socket_folder(self) -> Path:
        """A folder for the socket, 0700; below the system's temporary folder when the path is long or odd."""
        near = self.home / "socket"
        plain = re.fullmatch(r"[\w./+-]+", str(near), re.ASCII)
        folder = near if plain and sockets.fits(near / ".s.PGSQL.5432.lock") else sockets.stand_in(self.home)
        own_folder(folder, self.account)
        return folder

    def major(self) -> int | None:
        """The version of Postgres that made the cluster; None when there is none."""
        try:
            return int((self.cluster / "PG_VERSION").read_text(encoding="ascii"))
        except FileNotFoundError:
            return None


def own_folder(folder: Path, account: Account) -> None:
    """Make a folder that the account alone may enter. Raises `PermissionError` when it is someone else's.

    It comes to its place when it is the account's: whoever starts at the same moment never sees it half made.
    """
    if not os.path.lexists(folder):
        made = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        account.give(made)
        try:
            made.rename(folder)
        except OSError:  # somebody else's came first
            made.rmdir()
    sockets.assert_private(folder, account.uid)


def write_private(file: Path, text: str) -> None:
    """Write a new file that its owner alone may read. Raises `FileExistsError`."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())


def choose(data: Path, user: str | None = None) -> Place:
    """The place for the data folder's Postgres, with its folders made. Raises `NoUser`."""
    root = os.geteuid() == 0
    if not data.exists():
        # Root's Postgres is another user: it may pass through, and sees nothing of what lies beside it.
        data.mkdir(mode=0o711 if root else 0o700, parents=True)
    home = data / "postgres"
    pointer = data / "postgres.location"
    if pointer.exists():
        home = Path(pointer.read_text(encoding="utf-8").strip())
    account = _account(home / "cluster", user)
    note = None
    if account.switch and not account.may(data, "x"):
        if not pointer.exists():
            mark = hashlib.sha256(os.fsencode(data.resolve())).hexdigest()[:12]
            home = _REFUGE / mark
            pointer.write_text(f"{home}\n", encoding="utf-8")
        note = (
            f"{data} cannot be reached by the user that Postgres runs as ({_name(account.uid)}): "
            f"the database is kept in {home}"
        )
    home.mkdir(mode=0o711, parents=True, exist_ok=True)
    own_folder(home / "log", account)
    return Place(home, account, note)


def reachable(binaries: Binaries, place: Place) -> Binaries:
    """The binaries where the account can run them: as they are, or copied beside the cluster."""
    if place.account.may(binaries.postgres, "x"):
        return binaries
    return binaries.relocated(place.home)


def _account(cluster: Path, user: str | None) -> Account:
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), switch=False)
    if cluster.exists() and (owner := cluster.stat()).st_uid != 0:
        return Account(owner.st_uid, owner.st_gid, switch=True)
    for name in (user,) if user else _USERS:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        if found.pw_uid != 0:
            return Account(found.pw_uid, found.pw_gid, switch=True)
    raise NoUser(
        f"Postgres does not run as root, and there is no user {user or ' or '.join(_USERS)}: "
        "make one, name one in PENGUINMAILS_PG_USER, or start PenguinMails as an ordinary user."
    )


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
