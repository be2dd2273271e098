"""One row an import; one a chunk of its rows; one a change of a contact by an import, at which version."""

from __future__ import annotations

from typing import Final

from projections.runtime.tables import Table

TABLES: Final = (
    Table(
        "imports",
        key=("import_id",),
        columns={
            "import_id": "uuid",
            "workspace_id": "uuid",
            "list_id": "uuid",
            "kind": "text",
            "status": "text",
            "uploaded_by": "uuid",
            "file_name": "text",
            "size": "bigint",
            "sha256": "text",
            "encoding": "text",
            "delimiter": "text",
            "columns": "jsonb",
            "mapping": "jsonb",
            "imported": "bigint",
            "updated": "bigint",
            "skipped": "bigint",
            "rejected": "bigint",
            "rows": "bigint",
            "problem": "text",
            "remedy": "text",
            "removed": "bigint",
            "restored": "bigint",
            "kept": "bigint",
            "files_until": "timestamptz",
            "files_destroyed": "boolean",
            "created_position": "bigint",
            "created_at": "timestamptz",
        },
        indexes=(("created_position",),),
        personal=("file_name",),
    ),
    Table(
        "import_chunks",
        key=("import_id", "chunk"),
        columns={
            "import_id": "uuid",
            "chunk": "int",
            "first_row": "bigint",
            "last_row": "bigint",
            "warnings": "jsonb",
            "problems": "jsonb",
        },
    ),
    Table(
        "import_contacts",
        key=("import_id", "contact_id", "version"),
        columns={"import_id": "uuid", "contact_id": "uuid", "version": "bigint", "change": "text"},
        indexes=(("contact_id",),),
    ),
)
