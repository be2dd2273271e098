"""What is refused of backups: each says what is wrong, and what to do."""

from __future__ import annotations

import inspect
from typing import ClassVar


class BackupRefused(Exception):
    """A backup is not taken, or not put back. `code` is stable; the message says why, and what to do."""

    code: ClassVar[str] = "backup-refused"

    def __init__(self, detail: str | None = None) -> None:
        """Take what is wrong in this one case; the rule, which says what to do, comes after it."""
        rule = " ".join((inspect.getdoc(type(self)) or "").split())
        super().__init__(rule if detail is None else f"{detail} {rule}")


class FolderTaken(BackupRefused):
    """A backup is written into a folder of its own. Name one that is not there yet, below a folder that is."""

    code = "backup-folder-taken"


class BackupUnderWay(BackupRefused):
    """Another backup is being written there. Wait for it, or name another folder."""

    code = "backup-under-way"


class NotWritten(BackupRefused):
    """The backup could not be written, and nothing that looks like one is left. Make room, and begin again."""

    code = "backup-not-written"


class NotPutBack(BackupRefused):
    """The restore could not be ended, and nothing serves from what is there. Make room, and run it again."""

    code = "restore-not-ended"


class SamePlace(BackupRefused):
    """Who has events and keys has everything in the clear. Keep them apart, or give --force and guard that place."""

    code = "backup-keys-beside-events"


class NoBackup(BackupRefused):
    """A whole backup has a readable `manifest.json`. Name its folder; what ends in .part was interrupted."""

    code = "backup-not-found"


class OtherKind(BackupRefused):
    """Events and keys are backed up apart. Give the events' folder as FOLDER, the keys' as --keys."""

    code = "backup-of-another-kind"


class BackupNewer(BackupRefused):
    """It was taken by a newer version of PenguinMails. Restore it with that one."""

    code = "backup-newer"


class FileMissing(BackupRefused):
    """A file of the backup is not there. Copy the backup again, or take another one."""

    code = "backup-file-missing"


class FileTruncated(BackupRefused):
    """A file of the backup is shorter than it was written. Copy the backup again, or take another one."""

    code = "backup-file-truncated"


class FileAltered(BackupRefused):
    """A file of the backup is not what was written. Trust none of it: copy the backup again, or take another one."""

    code = "backup-file-altered"


class RowsDiffer(BackupRefused):
    """The manifest and a file disagree about how many rows there are. One was altered: take another backup."""

    code = "backup-rows-differ"


class LogNotWhole(BackupRefused):
    """A log's positions are 1 to its head's, each once. Part of the history is not in the backup: take another one."""

    code = "backup-log-not-whole"


class KeysDiffer(BackupRefused):
    """Every key is wrapped by a key-encryption key that is beside it. Take another backup of the keys."""

    code = "backup-keys-not-whole"


class DatabaseNotEmpty(BackupRefused):
    """A backup is put back into an empty database. Name a new one in DATABASE_URL, or another data folder."""

    code = "database-not-empty"


class ProcessesRunning(BackupRefused):
    """Nothing may run while a backup is put back. Stop every process of the product first."""

    code = "processes-running"


class KeysThere(BackupRefused):
    """A key store that is there is never put back over. Leave --keys out, or move its folder away if it is lost."""

    code = "keys-there"


class KeysMissing(BackupRefused):
    """Without its keys a log cannot be read by anybody. Put the folder keys/ in place, or give --keys."""

    code = "keys-missing"


class MasterKeyMissing(BackupRefused):
    """The keys open with the master key alone. Put master.key into the folder keys/, or set PENGUINMAILS_MASTER_KEY."""

    code = "master-key-missing"


class MasterKeyWrong(BackupRefused):
    """The master key at hand does not open these keys. Use the one that the installation had."""

    code = "master-key-wrong"


class NoMasterKeyFile(BackupRefused):
    """The master key is no file here: whoever set PENGUINMAILS_MASTER_KEY keeps it. Leave --master-key out."""

    code = "master-key-no-file"


class ListUnreadable(BackupRefused):
    """A list of destroyed keys has a JSON array of tenant, subject and kind a line. Give the file destroyed.list."""

    code = "destroyed-list-unreadable"


class TooEarly(BackupRefused):
    """Each restore has a minute of its own. Set the clock right, or try again in a minute."""

    code = "restore-too-early"
