# Shared by the scripts: where the checkout is, which Python, and a virtual environment that matches the lock.
# shellcheck shell=sh

ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
# Where the environment's programs are, for the scripts that source this file.
BIN=$ROOT/.venv/bin
export BIN

# say MESSAGE: progress goes to standard error, so that standard output stays the program's own.
say() {
    printf '%s\n' "$*" >&2
}

# find_python: prints the first Python of at least 3.11 that can make a virtual environment.
find_python() {
    for candidate in ${PYTHON:-} python3 python3.11 python3.12 python3.13 python3.14 python; do
        if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            printf '%s\n' "$candidate"
            return 0
        fi
    done
    say "PenguinMails needs Python 3.11 or newer with its venv module, and none was found on PATH."
    say "Install it (Debian: apt-get install python3 python3-venv; macOS: brew install python@3.12),"
    say "or name one: PYTHON=/path/to/python3.12 $0"
    return 1
}

# ensure_environment run|dev: makes .venv, or brings it up to the lock; when it is, this costs 50 ms.
ensure_environment() {
    python=$(find_python) || exit 1
    "$python" "$ROOT/scripts/make_environment.py" "$1" >&2 || exit 1
}
