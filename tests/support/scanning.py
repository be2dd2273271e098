"""Looking for somebody's values in raw bytes, in every encoding that a store might have put them in."""

from __future__ import annotations

import base64
import quopri
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

_ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "latin-1")


@dataclass(frozen=True, slots=True)
class Found:
    """A value, as it was encoded, in a file."""

    file: Path
    value: str
    encoding: str


def shapes(value: str) -> dict[str, bytes]:
    """The bytes that a value may be in a store: by case, reversed, by encoding, as hex, base64, in a URL, in mail."""
    texts = {"": value, "lower ": value.lower(), "upper ": value.upper(), "reversed ": value[::-1]}
    made: dict[str, bytes] = {}
    for case, text in texts.items():
        for encoding in _ENCODINGS:
            made[case + encoding] = raw = text.encode(encoding)
            made[f"{case}{encoding} hex"] = raw.hex().encode()
            made[f"{case}{encoding} HEX"] = raw.hex().upper().encode()
            for aligned, inner in enumerate(_base64(raw)):
                made[f"{case}{encoding} base64+{aligned}"] = inner
                made[f"{case}{encoding} base64url+{aligned}"] = inner.translate(bytes.maketrans(b"+/", b"-_"))
        made[f"{case}url"] = quote(text, safe="").encode()
        made[f"{case}json"] = text.encode("ascii", "backslashreplace").replace(b"\\x", b"\\u00")
        made[f"{case}mail"] = quopri.encodestring(text.encode())
    return made


def _base64(raw: bytes) -> Iterator[bytes]:
    """The characters of base64 that depend on `raw` alone, whatever stands around it, at each of three alignments."""
    for before in range(3):
        text = base64.b64encode(bytes(before) + raw + bytes(-(before + len(raw)) % 3))
        first = -(-before * 8 // 6)
        last = (before + len(raw)) * 8 // 6
        yield text[first:last]


class Scanner:
    """Finds values in files, whatever bytes of theirs a store keeps."""

    def __init__(self, values: Iterable[str]) -> None:
        """Look for `values`, each long enough not to be found by chance."""
        self._patterns: dict[bytes, tuple[str, str]] = {}
        for value in values:
            for encoding, pattern in shapes(value).items():
                assert len(pattern) >= 8, f"{value} as {encoding} is too short to mean anything"
                self._patterns.setdefault(pattern, (value, encoding))

    def in_bytes(self, content: bytes) -> set[tuple[str, str]]:
        """Values and encodings that stand in `content`."""
        return {told for pattern, told in self._patterns.items() if pattern in content}

    def below(self, folders: Sequence[Path]) -> list[Found]:
        """Every find in every file below these folders, and in the files' names."""
        found = []
        for folder in folders:
            for file in sorted(folder.rglob("*")) if folder.is_dir() else [folder]:
                told = self.in_bytes(str(file).encode())
                if file.is_file():
                    try:
                        told |= self.in_bytes(file.read_bytes())
                    except FileNotFoundError:  # a server's file that came and went
                        continue
                found += [Found(file, value, encoding) for value, encoding in sorted(told)]
        return found
