"""Archives that others made, of every kind, are judged by what is in them, or refused in words."""

import io
import json
import resource
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable

import pytest

from adapters.evidence.unpacking import Unpacking, Unreadable
from adapters.evidence.verdict import Outcome, Verdict
from adapters.evidence.verifying import verify_bundle
from tests.support.evidence import KEY, contents, log_of, opened, packed, written

LOG = log_of(60)
WHOLE = written(LOG.part())
FILES = contents(WHOLE)


def judged(data: bytes) -> Verdict:
    return verify_bundle(opened(data), (), [KEY])


def zipped(files: Iterable[tuple[str | zipfile.ZipInfo, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return made.getvalue()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_packed_again_it_is_judged_by_what_is_in_it(method: int) -> None:
    folders = [("events/", b""), ("schemas/", b"")]
    verdict = judged(zipped([*folders, *reversed(FILES.items())], method))
    assert verdict.outcome is Outcome.HOLDS
    assert any("packed again" in one for one in verdict.notes)
    assert not judged(WHOLE).notes[1:]  # of one event the schema is not known
    altered = FILES | {
        "events/events.jsonl": FILES["events/events.jsonl"].replace(b"number 17", b"number 71")
    }
    assert [str(one) for one in judged(zipped(altered.items(), method)).first_wrong] == [
        "position 17 of the log events"
    ]


def test_a_file_that_nobody_listed_is_told_and_not_read() -> None:
    verdict = judged(zipped([*FILES.items(), ("extra.exe", b"x")]))
    assert verdict.wrong == ["The manifest does not list 'extra.exe': somebody put it in. It was not read."]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../evil", "leads out of it"),
        ("events/../../evil", "leads out of it"),
        ("/etc/evil", "leads out of it"),
        ("a//b", "leads out of it"),
        ("C:evil", "leads out of it"),
        ("packs/\x1b[31mred", "or hides: 'packs/\\x1b[31mred'"),
        ("manifest.json", "two files of one name"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_that_no_bundle_has(name: str, said: str) -> None:
    verdict = judged(zipped([*FILES.items(), (name, b"x")]))
    assert verdict.outcome is Outcome.CANNOT_BE_JUDGED
    assert said in verdict.unjudged[0]


def test_links_and_encrypted_files_are_refused() -> None:
    link = zipfile.ZipInfo("packs/link")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    assert "is a link" in judged(zipped([*FILES.items(), (link, b"/etc/passwd")])).unjudged[0]
    data = bytearray(zipped(FILES.items()))
    at = data.index(b"PK\1\2")
    data[at + 8] |= 1
    assert "encrypted" in judged(bytes(data)).unjudged[0]
    assert "compressed in a way" in judged(zipped(FILES.items(), zipfile.ZIP_BZIP2)).unjudged[0]


def test_a_bomb_is_not_inflated_beyond_what_a_bundle_could_be() -> None:
    megabyte, packer = b"\n" * (1 << 20), zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = b"".join(packer.compress(megabyte) for _ in range(64)) + packer.flush()
    size = 64 << 20
    name = b"events/events.jsonl"
    told = json.loads(FILES["manifest.json"])
    told["files"][0]["size"] = size
    others = {one: content for one, content in FILES.items() if one != name.decode()}
    rest = zipped((others | {"manifest.json": json.dumps(told).encode()}).items())
    data = put_before(rest, name, bomb, size)
    assert zipfile.ZipFile(io.BytesIO(data)).getinfo(name.decode()).file_size == size
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    verdict = judged(data)
    assert verdict.outcome is Outcome.DOES_NOT_HOLD
    assert any("goes on beyond" in one for one in verdict.wrong)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


def put_before(archive: bytes, name: bytes, content: bytes, size: int) -> bytes:
    """An archive with one more file, before all others, that was deflated already."""
    local = struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 8, 0, 33, 0, len(content), size, len(name), 0) + name
    end = archive.rindex(b"PK\5\6")
    *_, count, _, start, _ = struct.unpack("<4s4H2IH", archive[end:])
    shift = len(local) + len(content)
    entry = struct.pack(
        "<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 8, 0, 33, 0, len(content), size, len(name), 0, 0, 0, 0, 0, 0
    )
    directory, at = bytearray(archive[start:end]), 0
    while at < len(directory):
        named, extra, comment = struct.unpack_from("<3H", directory, at + 28)
        (place,) = struct.unpack_from("<I", directory, at + 42)
        struct.pack_into("<I", directory, at + 42, place + shift)
        at += 46 + named + extra + comment
    whole = entry + name + bytes(directory)
    tail = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, count + 1, count + 1, len(whole), start + shift, 0)
    return local + content + archive[:start] + whole + tail


def test_files_that_lie_over_one_another_are_refused() -> None:
    data = bytearray(zipped(FILES.items(), zipfile.ZIP_STORED))
    first = data.index(b"PK\1\2")
    second = data.index(b"PK\1\2", first + 4)
    data[second + 42 : second + 46] = struct.pack("<I", 1)
    assert "lie over one another" in judged(bytes(data)).unjudged[0]


def test_contents_that_are_none() -> None:
    deep = b"[" * 100_000
    for name, content in {
        "manifest.json": deep,
        "completeness.json": deep,
        "events/events.jsonl": deep + b"\n",
        "events/gaps.jsonl": deep + b"\n",
        "events/checkpoint": b"\xff",
        "keys.txt": b"\xff\n",
    }.items():
        listed = name != "manifest.json"
        assert judged(packed(FILES | {name: content}, listed=listed)).outcome is not Outcome.HOLDS
    strange: list[object] = [
        {},
        [],
        {"format": "penguinmails-evidence/1"},
        {"format": "penguinmails-evidence/2"},
    ]
    for told in strange:
        data = packed(FILES | {"manifest.json": json.dumps(told).encode()}, listed=False)
        assert judged(data).outcome is Outcome.CANNOT_BE_JUDGED
    for field, value in {"tenant": 7, "logs": ["other"], "files": 5}.items():
        other = json.loads(FILES["manifest.json"]) | {field: value}
        data = packed(FILES | {"manifest.json": json.dumps(other).encode()}, listed=False)
        assert judged(data).outcome is Outcome.CANNOT_BE_JUDGED


def test_numbers_that_are_none() -> None:
    large, least = "9" * 4300, "-" + "9" * 4300
    for number in (large, least, "Infinity", "NaN", '"1"', "null", "1e400", "true", "0", "-1"):
        gap = b'{"first":%b,"last":%b,"hash":"%b"}\n' % (number.encode(), number.encode(), b"A" * 43 + b"=")
        line = FILES["events/events.jsonl"].replace(b'"position":17', b'"position":' + number.encode())
        complete = FILES["completeness.json"].replace(b'"first": 1', b'"first": ' + number.encode())
        size = len(FILES["keys.txt"])
        manifest = FILES["manifest.json"].replace(b'"size": %d' % size, b'"size": ' + number.encode())
        assert manifest != FILES["manifest.json"]
        for files, listed in (
            ({"events/gaps.jsonl": gap}, True),
            ({"events/events.jsonl": line}, True),
            ({"completeness.json": complete}, True),
            ({"manifest.json": manifest}, False),
        ):
            assert judged(packed(FILES | files, listed=listed)).outcome is not Outcome.HOLDS


def test_a_line_that_never_ends_is_not_read_to_its_end() -> None:
    verdict = judged(packed(FILES | {"events/events.jsonl": b"x" * (17 << 20)}))
    assert verdict.outcome is Outcome.DOES_NOT_HOLD
    assert "A line has more than" in verdict.wrong[0]


def test_an_archive_of_other_places_is_refused() -> None:
    whole = bytearray(zipped(FILES.items()))
    end = whole.rindex(b"PK\5\6")
    for at, form, value in (
        (10, "<H", 60_000),
        (12, "<I", 0xFFFFFFF0),
        (16, "<I", 0xFFFFFFF0),
        (16, "<I", 3),
    ):
        data = bytearray(whole)
        struct.pack_into(form, data, end + at, value)
        with pytest.raises(Unreadable):
            Unpacking(io.BytesIO(bytes(data)))
