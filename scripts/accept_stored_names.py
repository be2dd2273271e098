"""Add new stored names and versions to the snapshot that the tests hold; refuses where an accepted one changed.

scripts/accept_stored_names.py
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.support.stored_names import SNAPSHOT, broken, current_shapes, recorded_shapes, unrecorded


def main() -> int:
    """Print what was added; exit 1 with the reasons where nothing may be."""
    recorded, current = recorded_shapes() if SNAPSHOT.exists() else {}, current_shapes()
    faults = broken(recorded, current)
    if faults:
        print("\n".join(faults), file=sys.stderr)
        return 1
    new = unrecorded(recorded, current)
    for name, versions in current.items():
        recorded.setdefault(name, {}).update(versions)
    SNAPSHOT.write_text(json.dumps(recorded, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print("\n".join(new) or "nothing new")
    return 0


if __name__ == "__main__":
    sys.exit(main())
