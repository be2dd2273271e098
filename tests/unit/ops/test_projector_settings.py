"""What the projector's helper is told: the same settings, made anew in a process of its own."""

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

from api.ops.processes.projector import projector_settings
from api.settings import Settings
from projections.runtime.projector import ProjectorSettings

SERVER = "postgresql://somebody@/somewhere?host=/nowhere"


def _tell(again: Callable[[], ProjectorSettings], line: Connection) -> None:
    found = again()
    line.send((found.dsn, [projection.name for projection in found.projections]))


def test_a_helper_gets_the_settings_of_its_projector(tmp_path: Path) -> None:
    settings = projector_settings(Settings(data=tmp_path), SERVER)
    assert settings.again is not None
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe(duplex=False)
    process = spawn.Process(target=_tell, args=(settings.again, theirs))
    process.start()
    theirs.close()
    assert ours.recv() == (settings.dsn, [projection.name for projection in settings.projections])
    ours.close()
    process.join()
    assert process.exitcode == 0
