"""docs/evidence.md is enough for a verifier: its own program judges our bundles, and its disclosure is one."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adapters.evidence import format as named
from adapters.evidence.verdict import Outcome
from adapters.evidence.verifying import verify_bundle
from domain.audit.origins import LogKind
from tests.support.evidence import KEY, Log, changed, contents, envelope, log_of, opened, written

DOCUMENT = (Path(__file__).parents[3] / "docs" / "evidence.md").read_text(encoding="utf-8")
LOG = log_of(70)
ACCESS = log_of(9, LogKind.ACCESS)


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", DOCUMENT, re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture(name="verify")
def _verify(tmp_path: Path) -> Callable[..., None]:
    names: dict[str, Any] = {}
    exec(block("python"), names)  # noqa: S102 - our own page's program

    def verify(data: bytes, *older: bytes) -> None:
        file = tmp_path / "bundle.zip"
        file.write_bytes(data)
        names["verify"](str(file), str(KEY), list(older))

    return verify


@pytest.mark.parametrize("positions", [None, [], [1, 2, 50], [70]])
def test_the_pages_program_and_ours_believe_the_same(
    positions: list[int] | None, verify: Callable[..., None]
) -> None:
    verify(
        written(LOG.part(positions, [LOG.checkpoint(33)]), ACCESS.part()),
        LOG.checkpoint(33),
        ACCESS.checkpoint(4),
    )


def test_the_pages_program_disbelieves_what_ours_does(verify: Callable[..., None]) -> None:
    whole = written(LOG.part(range(20, 60), [LOG.checkpoint(33)]))
    other = Log([envelope(n, text="" if n < 30 else "other") for n in range(1, 71)])
    for data, older in (
        (changed(whole, events__events_jsonl=lambda data: data.replace(b"number 21", b"number 12")), ()),
        (changed(whole, events__events_jsonl=lambda data: data[data.index(b"\n") + 1 :]), ()),
        (changed(whole, events__gaps_jsonl=lambda data: data[data.index(b"\n") + 1 :]), ()),
        (changed(whole, events__checkpoint=lambda _: LOG.checkpoint(seed=bytes(32))), ()),
        (changed(whole, events__checkpoint=lambda _: ACCESS.checkpoint()), ()),
        (written(other.part(older=[other.checkpoint(33)])), (LOG.checkpoint(33),)),
    ):
        with pytest.raises(AssertionError):
            verify(data, *older)


def test_every_file_of_a_bundle_is_told_of() -> None:
    told = re.findall(r"^\| `([^`]+)` \|", DOCUMENT, re.MULTILINE)
    for name in contents(written(LOG.part([3], [LOG.checkpoint(33)]), packs={"ca.toml": b"[rules]"})):
        shapes = [re.escape(one).replace("<log>", "[a-z]+").replace("<name>@<version>", ".+") for one in told]
        shapes = [one.replace("<epoch>\\-<size>", "[0-9]+-[0-9]+") for one in shapes]
        assert any(re.match(shape, name) for shape in shapes), name


def test_the_pages_disclosure_is_one() -> None:
    data = block("json").encode()
    assert json.loads(data)["format"] == named.DISCLOSURE_FORMAT
    lines = [envelope(n) for n in range(1, 50)]
    verdict = verify_bundle(opened(written(Log(lines).part())), (), [KEY], data)
    assert verdict.outcome is Outcome.HOLDS
    assert (
        "1 disclosed values are those that their events hold: 'first_name' at position 42 of events."
        in verdict.proven
    )
