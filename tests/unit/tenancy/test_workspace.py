"""Workspaces."""

from domain.kernel.errors import NotFound
from domain.kernel.ids import WorkspaceId
from domain.tenancy.workspace import (
    ArchiveWorkspace,
    CreateWorkspace,
    RenameWorkspace,
    Workspace,
    WorkspaceArchived,
    WorkspaceCreated,
    WorkspaceIdTaken,
    WorkspaceIsArchived,
    WorkspaceRenamed,
)
from tests.support.given import given, uid

ID = WorkspaceId(uid(10))
CREATED = WorkspaceCreated(workspace_id=ID, workspace_name="Nord")
ARCHIVED = WorkspaceArchived(workspace_id=ID)


def test_a_workspace_is_created_once() -> None:
    assert given().when(CreateWorkspace(name="Nord"), target=ID).then(CREATED) == Workspace(ID, "Nord")
    given(CREATED).when(CreateWorkspace(name="Nord"), target=ID).then(WorkspaceIdTaken)


def test_renaming() -> None:
    renamed = WorkspaceRenamed(workspace_id=ID, before="Nord", after="Süd")
    assert given(CREATED).when(RenameWorkspace(name="Su\u0308d"), target=ID).then(renamed).name == "Süd"
    given(CREATED).when(RenameWorkspace(name="Nord"), target=ID).then()
    given(CREATED, ARCHIVED).when(RenameWorkspace(name="Süd"), target=ID).then(WorkspaceIsArchived)


def test_archiving_twice_is_archiving_once() -> None:
    assert given(CREATED).when(ArchiveWorkspace(), target=ID).then(ARCHIVED).archived
    given(CREATED, ARCHIVED).when(ArchiveWorkspace(), target=ID).then()
    given().when(ArchiveWorkspace(), target=ID).then(NotFound)
