"""Where checkpoints can be posted: folders, the buckets that somebody set up, and mail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.mirrors.folder import FolderMirrors
from adapters.mirrors.places import PlacedMirrors
from adapters.mirrors.settings import BucketsMisconfigured
from api.ops.errors import CannotRun
from application.posting.mirroring import Mirroring
from application.posting.running import Postings

if TYPE_CHECKING:
    from adapters.folders.local import LocalFolders
    from api.settings import Settings
    from application.commanding import Commands
    from application.ports.delivering import MailServer
    from application.ports.ledger import Ledger
    from application.ports.mirrors import Mirrors
    from application.ports.shown_trees import ShownTrees


def postings_of(
    settings: Settings,
    commands: Commands,
    ledger: Ledger,
    all_trees: ShownTrees,
    folders: LocalFolders,
    mail: MailServer,
) -> Postings:
    """What posts checkpoints. Raises `CannotRun` where the settings of buckets cannot be used."""
    mirrors = PlacedMirrors(FolderMirrors(folders), _buckets(settings))
    return Postings(commands, ledger, all_trees, Mirroring(ledger, mirrors), mail)


def _buckets(settings: Settings) -> Mirrors | None:
    try:
        buckets = settings.bucket_settings
    except BucketsMisconfigured as error:
        raise CannotRun(str(error)) from None
    if not buckets:
        return None
    # Its client is 15 MB: who has no bucket starts without it.
    from adapters.mirrors.bucket import BucketMirrors  # noqa: PLC0415 - loads obstore

    return BucketMirrors(buckets)
