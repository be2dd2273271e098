"""Add new stored names to the snapshots that the tests hold: of events with their versions, and of rules that allow.

Refuses where an accepted one changed or went.

scripts/accept_stored_names.py
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from projections.olap.law import bases
from tests.support.stored_names import (
    RULES,
    SNAPSHOT,
    broken,
    current_shapes,
    recorded_rules,
    recorded_shapes,
    unrecorded,
    without_basis,
)


def main() -> int:
    """Print what was added; exit 1 with the reasons where nothing may be."""
    recorded, current = recorded_shapes() if SNAPSHOT.exists() else {}, current_shapes()
    rules = recorded_rules() if RULES.exists() else []
    faults = broken(recorded, current) + without_basis(rules)
    if faults:
        print("\n".join(faults), file=sys.stderr)
        return 1
    new = unrecorded(recorded, current)
    for name, versions in current.items():
        recorded.setdefault(name, {}).update(versions)
    SNAPSHOT.write_text(json.dumps(recorded, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    allowing = [rule for _, rule in sorted(bases())]
    new += sorted(set(allowing) - set(rules))
    RULES.write_text(json.dumps(allowing, indent=1) + "\n", encoding="utf-8")
    print("\n".join(new) or "nothing new")
    return 0


if __name__ == "__main__":
    sys.exit(main())
