"""The fences behind the rules: what a child could still do if SQL slipped past them, or took it over altogether."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.duckdb.sandbox.runner import ENVIRONMENT

ROOT = Path(__file__).parents[3]
PROGRAM = """
import json, os, resource, socket, subprocess, sys
sys.path.insert(0, sys.argv[1])
from adapters.duckdb.sandbox import child, confinement
asked = json.loads(sys.argv[2])
statm = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
if os.geteuid() != asked["user"]:
    os.setresuid(asked["user"], asked["user"], asked["user"])  # as where nobody is root
connection = child.connected(asked["memory_mb"])
held = confinement.confine(asked["uid"])
child.shut(connection, asked["seconds"])
confinement.limit(statm, memory=asked["address_space"], seconds=asked["seconds"])

def told(do):
    try:
        return ["done", repr(do())[:200]]
    except BaseException as error:
        return [type(error).__name__, str(error)[:300]]

def sql(text):
    return lambda: connection.execute(text).fetchall()

answers = {text: told(sql(text)) for text in asked["sql"]}
answers["own file"] = told(sql("SELECT content FROM read_text('own.txt')"))
answers["open"] = told(lambda: open(asked["secret"]).read())
answers["open up"] = told(lambda: open("../secret.txt").read())
answers["write"] = told(lambda: open("new.txt", "w").write("x"))
answers["list"] = told(lambda: os.listdir(asked["above"]))
answers["connect"] = told(lambda: socket.create_connection(("127.0.0.1", asked["port"]), 2))
answers["fork"] = told(os.fork)
answers["run"] = told(lambda: subprocess.run(["/bin/true"], check=True))
answers["kill"] = told(lambda: os.kill(asked["parent"], 0))
answers["memory"] = told(lambda: len(bytearray(asked["address_space"] + (256 << 20))))
answers["more"] = told(lambda: resource.setrlimit(resource.RLIMIT_AS, (-1, -1)))
answers["root"] = told(lambda: os.setuid(0))
answers["environment"] = told(lambda: sorted(os.environ))
def inherited():
    found = []
    for fd in range(3, 60):
        try:
            if os.get_inheritable(fd):
                found.append(fd)
        except OSError:
            pass
    return found

answers["descriptors"] = told(inherited)
print(json.dumps([held, os.getuid(), answers]))
"""
SQL = [
    "SELECT content FROM read_text('/etc/passwd')",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT content FROM read_text('../secret.txt')",
    "SELECT content FROM read_text('./../secret.txt')",
    "SELECT * FROM glob('/*')",
    "SELECT content FROM read_text('https://localhost/x')",
    "COPY (SELECT 1) TO 'stolen.csv'",
    "COPY (SELECT 1) TO '/tmp/stolen.csv'",
    "EXPORT DATABASE 'stolen'",
    "ATTACH 'stolen.duckdb' AS other",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET enable_external_access = true",
    "SET memory_limit = '100GB'",
    "SET allowed_directories = ['/']",
    "RESET max_execution_time",
    "SELECT getenv('DATABASE_URL')",
    "SELECT len(range(1000000000))",
    "SELECT content FROM read_text('link.txt')",
]
CHILD = 64_100
NOBODY = 65_534


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user may read, beside a secret that every user may read too."""
    with tempfile.TemporaryDirectory() as made:
        above, inner = Path(made), Path(made, "inner")
        above.chmod(0o755)
        (above / "secret.txt").write_text("quetzalcoatl")
        inner.mkdir(mode=0o755)
        (inner / "own.txt").write_text("own")
        (inner / "link.txt").symlink_to(above / "secret.txt")
        yield inner
        assert sorted(path.name for path in inner.iterdir()) == ["link.txt", "own.txt"], (
            "something was written"
        )


def confined(folder: Path, port: int, user: int) -> tuple[list[str], int, dict[str, list[str]]]:
    asked = {
        "user": user,
        "uid": CHILD,
        "seconds": 5.0,
        "memory_mb": 128,
        "address_space": 320 * 1024 * 1024,
        "sql": SQL,
        "secret": str(folder.parent / "secret.txt"),
        "above": str(folder.parent),
        "parent": os.getpid(),
        "port": port,
    }
    done = subprocess.run(
        [sys.executable, "-I", "-c", PROGRAM, str(ROOT), json.dumps(asked)],
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    held, uid, answers = json.loads(done.stdout)
    return held, uid, answers


@pytest.mark.parametrize("user", sorted({os.geteuid(), NOBODY} if os.geteuid() == 0 else {os.geteuid()}))
def test_a_child_that_runs_what_it_likes_reaches_nothing(
    folder: Path, unused_tcp_port: int, user: int
) -> None:
    held, uid, answers = confined(folder, unused_tcp_port, user)
    if not {"landlock", "root"} & set(held):
        pytest.skip("this kernel has no Landlock, and this is not root: DuckDB's own limits hold alone")
    assert ("uid" in held) == (user == 0)
    assert uid == (CHILD if user == 0 else user)
    done = {what: told for what, (how, told) in answers.items() if how == "done"}
    assert answers["own file"] == ["done", "[('own',)]"]
    assert "quetzalcoatl" not in json.dumps(answers)
    assert "root:" not in json.dumps(answers)
    allowed = {"own file", "environment", "descriptors"}
    assert done["environment"] == repr(sorted(ENVIRONMENT))
    assert done["descriptors"] == "[]"
    # In the folder that is its root there is no such file, and nothing but its own.
    empty = {what for what, told in done.items() if told in ("[]", "[('/own.txt',)]")}
    assert done.keys() <= allowed | empty, f"done in spite of {held}: {done}"
