"""Print docs/rls-matrix.md from the matrix of rights; a test compares the page with it.

scripts/rls_matrix.py > docs/rls-matrix.md
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from adapters.postgres.policies import MATRIX, VIEW, WITHOUT_TENANT, Action, Right, Rights, Rows
from adapters.postgres.roles import OWNER, Role

_INTRODUCTION = f"""# Who may touch which table

Made from `adapters/postgres/policies.py` by `scripts/rls_matrix.py`; do not edit. A test compares this page with
the matrix, another the matrix with what Postgres says of itself (`pg_policies`, grants, owners, powers).

- **own** = the rows of the tenant named by the setting `app.tenant_id`, and none while it is unset. **all** = every
  tenant's rows. An empty cell is a refusal by the database. Columns are named where only some may be touched.
- Row level security is enabled and *forced* on every table with a tenant, so it binds the tables' owner too.
- `{OWNER}` owns the schemas `log`, `ops` and `ledger` and cannot log in; migrations take it on.
  `{Role.PROJECTOR}` owns the tables of projections (`views_*`).
- No role is superuser, and none bypasses row level security.
- Nobody may UPDATE or TRUNCATE events. Only `{Role.MAINTENANCE}`, used offline, deletes them: a closed tenant's.
- The loader reads whole streams to decide commands, in batches over many tenants; each statement names its tenants.
- `penguinmails_request` may make temporary tables: views as they were, which no session but its own sees.
"""
_SHORT = {Action.SELECT: "read", Action.INSERT: "add", Action.UPDATE: "change", Action.DELETE: "delete"}


def page() -> str:
    """The whole page."""
    roles = [role.removeprefix("penguinmails_") for role in Role]
    lines = [_INTRODUCTION, f"| table | {' | '.join(roles)} |", f"|---|{'---|' * len(roles)}"]
    for table, row in MATRIX.items():
        note = " (no tenant)" if table in WITHOUT_TENANT else ""
        lines.append(_line(f"`{table}`{note}", row))
    lines.append(_line("`views_*.*`", VIEW))
    return "\n".join(lines) + "\n"


def _line(name: str, row: Rights) -> str:
    cells = ("; ".join(_cell(action, right) for action, right in row.get(role, {}).items()) for role in Role)
    return f"| {name} | {' | '.join(cells)} |"


def _cell(action: Action, right: Right) -> str:
    reach = {Rows.ALL: "all", Rows.TENANT: "own"}[right.rows]
    columns = "" if right.columns is None else f" ({', '.join(right.columns)})"
    return f"{_SHORT[action]} {reach}{columns}"


if __name__ == "__main__":
    print(page(), end="")
