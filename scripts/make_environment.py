"""Make `.venv` in the checkout hold exactly what a lock file names, with nothing but the standard library.

`make_environment.py run` installs what the product runs on, `make_environment.py dev` also what tests it.
The environment is made anew when the lock, the Python or the checkout's place has changed, and `dev` is added
to a current `run` in place. Two calls at once wait for each other; a call that was killed leaves no stamp, so
the next one begins again.
"""

import fcntl
import hashlib
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOCKS = {"run": "requirements.lock", "dev": "requirements-dev.lock"}


def wanted(kind: str) -> str:
    """What `.venv` must have been made from: a digest of the lock, the Python and the checkout's place."""
    digest = hashlib.sha256(f"{ROOT}\n{sys.version}\n".encode())
    digest.update((ROOT / LOCKS[kind]).read_bytes())
    return digest.hexdigest()


def is_current(kind: str) -> bool:
    """Whether `.venv` was made, completely, from what stands there now."""
    try:
        return (VENV / f".made-{kind}").read_text() == wanted(kind)
    except FileNotFoundError:
        return False


def holds_what_is_dropped(kind: str) -> bool:
    """Whether something in `.venv` may be in no lock any more: pip adds what a lock names and removes nothing."""
    return not is_current("run") or ((VENV / f".made-{kind}").exists() and not is_current(kind))


def step(message: str, command: Sequence[str | Path]) -> None:
    """Run one step, saying so; a failure ends the program with that step's own words above it."""
    print(f"penguinmails: {message}", flush=True)
    done = subprocess.run(command, cwd=ROOT, check=False)
    if done.returncode != 0:
        sys.exit(f"penguinmails: that failed (exit {done.returncode}); run the script again to go on.")


def make(kind: str) -> None:
    """Bring `.venv` to the lock of `kind`."""
    pip: list[str | Path] = [
        VENV / "bin" / "python",
        "-m",
        "pip",
        "--disable-pip-version-check",
        "install",
        "--quiet",
    ]
    if holds_what_is_dropped(kind):
        version = ".".join(map(str, sys.version_info[:3]))
        if VENV.is_symlink():
            sys.exit(
                f"{VENV} is a link to an environment of another checkout, which would be emptied. Remove the link."
            )
        step(f"making .venv with Python {version}", [sys.executable, "-m", "venv", "--clear", VENV])
    lock = LOCKS[kind]
    count = sum("==" in line for line in (ROOT / lock).read_text().splitlines())
    step(
        f"installing {count} packages of {lock} (checked by hash)",
        [*pip, "--require-hashes", "--only-binary", ":all:", "--no-deps", "-r", lock],
    )
    step("installing the checkout itself", [*pip, "--no-deps", "--no-build-isolation", "--editable", "."])
    for made in ("run", kind):
        (VENV / f".made-{made}").write_text(wanted(made))


def main(kind: str) -> None:
    """Entry point; `kind` is 'run' or 'dev'."""
    if is_current(kind):
        return
    with (ROOT / ".venv.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not is_current(kind):
            make(kind)


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in LOCKS:
        sys.exit("usage: make_environment.py run|dev")
    main(sys.argv[1])
