"""A projection that counts, for what projectors do with any."""

from uuid import UUID

from domain.kernel.ids import WorkspaceId
from domain.tenancy.workspace import WorkspaceCreated
from projections.runtime.facts import Fact, Projection
from projections.runtime.rows import Rows
from projections.runtime.tables import Table
from tests.support.projecting import World, fresh


class Trouble(Exception):
    pass


def counting(
    name: str = "counting", version: int = 1, *, reveals: bool = False, poison: str = "poison"
) -> Projection:
    """Counts a tenant's workspaces, and how often each name was given; `poison` is a name it cannot take."""
    table = Table("counts", key=("what",), columns={"what": "text", "n": "bigint"})
    projection = Projection(name, version=version, tables=[table], reveals=reveals)

    @projection.on("tenancy.workspace_created")
    def created(event: Fact, rows: Rows) -> None:
        if event.payload["workspace_name"] == poison:
            raise Trouble("somebody's name")
        what = event.payload["workspace_name"]
        rows.upsert("counts", {"what": f"last {what}", "n": event.position})
        if event.position == 1:
            rows.insert("counts", {"what": "all", "n": 0})
        rows.add("counts", {"what": "all"}, n=1)

    return projection


def made(name: str = "w") -> tuple[str, WorkspaceCreated]:
    workspace = WorkspaceId(fresh())
    return f"workspace:{workspace}", WorkspaceCreated(workspace_id=workspace, workspace_name=name)


def many(*names: str) -> list[tuple[str, WorkspaceCreated]]:
    return [made(name) for name in names]


def totals(world: World, name: str = "counting") -> dict[UUID, int]:
    return {row["tenant_id"]: row["n"] for row in world.rows(name, "counts") if row["what"] == "all"}
