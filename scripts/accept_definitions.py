"""Add new versions of definitions, of reports, profiles and metrics, to the snapshot that the tests hold.

Refuses where an accepted one changed or went.

scripts/accept_definitions.py
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.support.definitions import SNAPSHOT, broken, current, recorded, unrecorded


def main() -> int:
    """Print what was added; exit 1 with the reasons where nothing may be."""
    accepted, now = recorded() if SNAPSHOT.exists() else {}, current()
    faults = broken(accepted, now)
    if faults:
        print("\n".join(faults), file=sys.stderr)
        return 1
    new = unrecorded(accepted, now)
    for name, versions in now.items():
        for version, defines in versions.items():
            accepted.setdefault(name, {}).setdefault(version, {}).update(defines)
    SNAPSHOT.write_text(json.dumps(accepted, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print("\n".join(new) or "nothing new")
    return 0


if __name__ == "__main__":
    sys.exit(main())
