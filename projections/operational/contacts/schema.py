"""One row a contact that is there. Removed and erased contacts have none.

`email_match` is the address in its matching form, for exact look-up; `folded_*` are values without case, for free
text: case is folded here, since Postgres folds by the locale it was made with. Both are null where the key is gone.
"""

from __future__ import annotations

from typing import Final

from projections.runtime.tables import Table

FOLDED: Final = ("first_name", "last_name", "company", "title", "phone", "attributes")

TABLES: Final = (
    Table(
        "contacts",
        key=("contact_id",),
        columns={
            "contact_id": "uuid",
            "workspace_id": "uuid",
            "addressee_id": "uuid",
            "email": "text",
            "email_match": "text",
            "first_name": "text",
            "last_name": "text",
            "company": "text",
            "title": "text",
            "phone": "text",
            "attributes": "jsonb",
            "country": "text",
            "subscriber_type": "text",
            "source": "text",
            "import_id": "uuid",
            **{f"folded_{name}": "text" for name in FOLDED},
            "created_position": "bigint",
            "created_at": "timestamptz",
            "updated_at": "timestamptz",
        },
        indexes=(
            ("email_match",),
            ("addressee_id",),
            ("created_position",),
            ("workspace_id", "created_position"),
        ),
        personal=("email", "email_match", *FOLDED, *(f"folded_{name}" for name in FOLDED)),
    ),
)
