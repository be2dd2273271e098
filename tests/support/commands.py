"""Commands of the program `penguinmails`, run to their end.

To load the program takes most commands ten times as long as what they do. The first of each begins Python anew, as a
shell does, so each is seen to load what it needs. Those after it are forked by the server of `tests.support.starting`,
which has loaded it: processes of their own all the same, with their own environment, streams and exit code.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.starting import LOADED

ROOT = Path(__file__).resolve().parent.parent.parent
_BEGUN: set[tuple[str, ...]] = set()


def run(
    arguments: tuple[str, ...], environment: Mapping[str, str], patience: float
) -> subprocess.CompletedProcess[str]:
    """A command without input, in an environment that is given whole; `patience` is in seconds."""
    command = arguments[: 2 if arguments[0] in _groups() else 1]
    if command in _BEGUN:
        return _forked(arguments, environment, patience)
    _BEGUN.add(command)
    return subprocess.run(
        [sys.executable, "-m", "api.cli", *arguments],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=patience,
        check=False,
    )


@cache
def _groups() -> frozenset[str]:
    """The first words of commands that have two."""
    from api.cli.main import app  # noqa: PLC0415 - most workers run no command

    return frozenset(group.name for group in app.registered_groups if group.name)


def _forked(
    arguments: tuple[str, ...], environment: Mapping[str, str], patience: float
) -> subprocess.CompletedProcess[str]:
    with TemporaryDirectory() as folder:
        out, words = Path(folder, "out"), Path(folder, "words")
        process = LOADED.Process(target=_main, args=(arguments, dict(environment), out, words))
        process.start()
        process.join(patience)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(arguments, patience, out.read_bytes(), words.read_bytes())
        code = process.exitcode
        process.close()
        return subprocess.CompletedProcess(
            arguments, code, out.read_text(encoding="utf-8"), words.read_text(encoding="utf-8")
        )


def _main(arguments: tuple[str, ...], environment: dict[str, str], out: Path, words: Path) -> None:
    """What a process is that a shell begins; it ends by itself. Its input is empty already."""
    for file, number in ((out, 1), (words, 2)):
        opened = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(opened, number)
        os.close(opened)
    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["penguinmails", *arguments]
    from api.cli.program import main  # noqa: PLC0415 - the server has loaded it; who runs the tests has not

    main()
