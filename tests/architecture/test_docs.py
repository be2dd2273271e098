"""The pages say what is so: every block of code on them runs, generated pages are up to date, links lead somewhere.

Blocks of `sh` run against a running installation with the demo, an `export` lasting to the end of its page; a request
that is refused fails. `python` runs, `json` is read, `text` is looked at. A block that another
test runs says so in a comment before it: `<!-- run by tests/... -->`, and that test must name the page.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from api.settings import Settings
from scripts import cli_page
from tests.support.serving import ROOT, Served

PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
LANGUAGES = {"sh", "python", "json", "text", "sql"}
# What these do is what other tests are about, and what runs this one.
ELSEWHERE = re.compile(r"^scripts/(run|test)( *#.*)?$", re.MULTILINE)
RUN_BY = re.compile(r"<!-- run by (tests/\S+\.py) -->\s*$")


def _blocks(page: Path) -> list[tuple[str, str, int, str | None]]:
    """Language, text, line, and the test that runs it instead, of each block of code."""
    found, before = [], ""
    for token in MarkdownIt().parse(page.read_text(encoding="utf-8")):
        if token.type in ("fence", "code_block"):
            told, line = RUN_BY.search(before), token.map[0] + 1 if token.map else 0
            language = token.info.partition(" ")[0] if token.type == "fence" else "text"
            found.append((language, token.content, line, told and told[1]))
        if token.content or token.type == "html_block":
            before = token.content.rstrip()
    return found


@pytest.mark.parametrize("name", NAMES)
def test_every_block_names_a_language_that_is_run(name: str) -> None:
    for language, _, line, by in _blocks(ROOT / name):
        assert language in LANGUAGES, f"{name}:{line}: name one of {sorted(LANGUAGES)}"
        assert language != "sql" or by is not None, f"{name}:{line}: say which test runs it"
        if by is not None:
            assert Path(name).name in (ROOT / by).read_text(encoding="utf-8"), f"{by} does not name {name}"


@pytest.mark.xdist_group("serve")
@pytest.mark.parametrize("name", [name for name in NAMES if _blocks(ROOT / name)])
def test_blocks_run(name: str, demo_installation: Served, tmp_path: Path) -> None:
    (tmp_path / ".curlrc").write_text("fail-with-body\nmax-time = 20\n")
    exports: list[str] = []
    for language, text, line, by in _blocks(ROOT / name):
        if by is not None or language in ("text", "sql"):
            continue
        where = f"{name}:{line}"
        if language == "json":
            json.loads(text)
        elif language == "python":
            _passes([sys.executable, "-c", text], demo_installation, tmp_path, where)
        else:
            script = ELSEWHERE.sub("", text)
            script = script.replace("http://127.0.0.1:8420", demo_installation.address)
            script = re.sub(r"\bvar/", f"{demo_installation.data}/", script)
            _passes(["/bin/sh", "-euc", "\n".join([*exports, script])], demo_installation, tmp_path, where)
            exports += [part for part in script.splitlines() if part.startswith("export ")]


def _passes(command: list[str], served: Served, home: Path, where: str) -> None:
    environment = {**served.environment, "HOME": os.environ.get("HOME", str(home)), "CURL_HOME": str(home)}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=90, check=False
    )
    assert done.returncode == 0, f"{where}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name: str) -> None:
    page = ROOT / name
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    links = re.findall(r"\]\((?!https?:)([^)#\s]+)[^)]*\)", text)
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_page_of_the_command_line_is_that_of_the_program() -> None:
    written = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert written == cli_page.page(), "make it anew: python -m scripts.cli_page > docs/cli.md"


def test_every_setting_is_documented_with_its_default() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    for field, info in Settings.model_fields.items():
        name = "DATABASE_URL" if field == "database_url" else f"PENGUINMAILS_{field.upper()}"
        row = next((line for line in text.splitlines() if line.startswith(f"| `{name}` |")), None)
        assert row is not None, f"{name} is not in docs/configuration.md"
        if info.default is not None:
            assert f"`{info.default}`" in row or f"| {info.default} |" in row, (
                f"{name}: its default is {info.default}"
            )
