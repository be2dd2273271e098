"""The scanner finds a value however it is written: else a scan that finds nothing would say nothing."""

import base64
import json
import zlib
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.support.scanning import Scanner

VALUE = "Zyqçanary-Lopez"
SCANNER = Scanner([VALUE])


@pytest.mark.parametrize(
    "content",
    [
        VALUE.encode(),
        VALUE.encode("latin-1"),
        VALUE.upper().encode("utf-16-le"),
        VALUE.lower().encode("utf-16-be"),
        VALUE[::-1].encode(),
        b"\x00" + VALUE.encode().hex().encode() + b"\xff",
        VALUE.encode().hex().upper().encode(),
        json.dumps({"name": VALUE}).encode(),
        json.dumps({"name": VALUE}, ensure_ascii=False).encode(),
        f"/contacts?q={quote(VALUE)}".encode(),
        b"=C3=A7".join(VALUE.encode().split("ç".encode())),
        *(base64.b64encode(b"x" * n + VALUE.encode() + b"y" * m) for n in range(4) for m in range(4)),
        *(base64.urlsafe_b64encode(b"?" * n + VALUE.encode("utf-16-le") + b"~") for n in range(3)),
    ],
)
def test_it_finds_the_value(content: bytes) -> None:
    assert SCANNER.in_bytes(b"before " + content + b" after")


def test_it_finds_nothing_where_nothing_is(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"Zyqcanar and Lopez, and random bytes" + bytes(range(256)) * 4)
    (tmp_path / "packed").write_bytes(zlib.compress(VALUE.encode()))
    assert SCANNER.below([tmp_path]) == [], "what is compressed has to be unpacked by who asks"


def test_it_names_the_file_also_where_the_name_is_the_find(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"..." + VALUE.encode())
    (tmp_path / f"{VALUE}.csv").write_bytes(b"")
    assert {one.file.name for one in SCANNER.below([tmp_path])} == {"in", f"{VALUE}.csv"}
