"""LibreOffice without a window: what people open our workbooks with."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.support.needs import requires

needs_libreoffice = requires(
    shutil.which("soffice"), "LibreOffice Calc: apt-get install libreoffice-calc-nogui"
)


def converted(file: Path | Sequence[Path], to: str, folder: Path, *, reading: str | None = None) -> None:
    """Let LibreOffice open files and write them as others into a folder, with a profile of its own.

    `reading`: the filter that it is opened with.
    """
    subprocess.run(
        [
            "soffice",
            f"-env:UserInstallation=file://{folder / 'profile'}",
            "--headless",
            *([] if reading is None else [f"--infilter={reading}"]),
            "--convert-to",
            to,
            "--outdir",
            str(folder),
            *([file] if isinstance(file, Path) else file),
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )
