"""The commands that `penguinmails serve` prints, run as they are printed."""

from __future__ import annotations

import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, cast

from api.cli.banner import commands
from api.cli.serving import Serving
from api.settings import Settings


class _Late(BaseHTTPRequestHandler):
    """Says once that the view is not there yet."""

    asked = 0

    def do_GET(self) -> None:
        type(self).asked += 1
        late = self.asked == 1
        body = b'{"type": "/problems/view-not-ready"}' if late else b'{"data": {}}'
        self.send_response(503 if late else 200)
        self.send_header("retry-after", "1")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of whom it overrides
        """Say nothing."""


def test_what_is_to_be_read_is_waited_for(tmp_path: Path) -> None:
    with HTTPServer(("127.0.0.1", 0), _Late) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            (tmp_path / "run").mkdir()
            (tmp_path / "run" / "last-answer").write_text("penguin-position: cDEuMS40\r\n")
            address = f"http://127.0.0.1:{server.server_port}"
            serving = Serving(Settings(data=tmp_path), address, cast("Any", None), {}, None)
            _, read, _ = commands(serving, {"workspace": "w", "key": "k"}, "unused")
            done = subprocess.run(
                ["/bin/sh", "-c", read], capture_output=True, text=True, timeout=30, check=True
            )
        finally:
            server.shutdown()
            thread.join()
    assert (done.stdout, _Late.asked) == ('{"data": {}}', 2), "nothing but the answer, once it is there"
