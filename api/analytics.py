"""Where the owner of the analytics file listens: said once, for it and for those who ask it."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from adapters.duckdb.settings import OlapSettings
from adapters.postgres.roles import Role

if TYPE_CHECKING:
    from api.settings import Settings

_LONGEST_SOCKET_PATH: Final = 100


def olap_settings(settings: Settings, server: str) -> OlapSettings:
    """The settings of the owner and of its clients, over the database at `server`."""
    return OlapSettings(
        folder=settings.olap_folder,
        database_url=settings.dsn(Role.PROJECTOR, server),
        listen=f"grpc+unix://{_socket(settings.olap_folder)}",
    )


def _socket(folder: Path) -> Path:
    """In the folder; where its path is too long for a socket, in one of our own below the temporary folder."""
    near = folder / "olap.sock"
    if len(os.fsencode(near)) <= _LONGEST_SOCKET_PATH:
        return near
    mark = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]
    own = Path(tempfile.gettempdir()) / f"penguinmails-olap-{os.geteuid()}-{mark}"
    own.mkdir(mode=0o700, exist_ok=True)
    if own.stat().st_uid != os.geteuid() or own.is_symlink():
        raise PermissionError(f"{own} exists and is somebody else's; remove it")
    return own / near.name
