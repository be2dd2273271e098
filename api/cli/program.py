"""The program `penguinmails`: loaded, run, and gone."""

from __future__ import annotations

import os
import sys

from api.ops.loading import loading

_UNWRITTEN = 120
"""What Python itself ends with where the last of the output cannot be written."""


def main() -> None:
    """Run the command that the arguments name, and end the process with its exit code.

    All that was to be closed is closed by then. Python would go on to take apart what it loaded, piece by piece, for
    as long as a third of what most commands take.
    """
    loading()
    code = 0
    try:
        if sys.argv[1:3] == ["audit", "verify"]:
            # Who verifies has no installation: none of what serves one is loaded, and it need not be there.
            from api.cli.audit_verify import run

            run()
        else:
            from api.cli.main import app

            app(prog_name="penguinmails")
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:  # a reader that went away took it along
                stream.flush()
    except OSError:
        code = _UNWRITTEN
    os._exit(code)
