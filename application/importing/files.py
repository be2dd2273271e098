"""The upload of an import among its files; `rejected` has the others."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from application.ports.blobs import BlobDamaged, BlobMissing
from domain.kernel.errors import Refusal, RefusalKind

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE: Final = "file"


class FilesGone(Refusal):
    """The import's files were destroyed, seven days after its end. Upload the file again."""

    code = "import-files-gone"
    kind = RefusalKind.NOT_FOUND


class FileDamaged(Refusal):
    """The uploaded file is not what was uploaded any more. Upload it again."""

    code = "import-file-damaged"


@contextmanager
def at_hand() -> Iterator[None]:
    """Say of missing and damaged files what it means for the import."""
    try:
        yield
    except BlobMissing:
        raise FilesGone from None
    except BlobDamaged:
        raise FileDamaged from None
