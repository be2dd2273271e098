"""The first minute of an installation: its own log opens with a first super admin, whose key lies in the data folder.

Every step has a key of its own, so that a start that was killed is simply begun again.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from adapters.postgres.place import write_private
from api.ops.errors import CannotRun
from application.credentials import ApiKeyText, new_api_key, parse_api_key
from application.orders import KeySpace, Order
from application.principals import Principal
from domain.kernel.commands import Actor, ActorKind
from domain.kernel.ids import PLATFORM, StaffId, derived_id, new_id
from domain.kernel.permissions import Permission, StaffRole
from domain.law.packs import pack_texts
from domain.law.reading import read_pack
from domain.platform.rule_pack import AdoptRulePack, pack_stream_id
from domain.platform.staff import AddStaff, CreateStaffKey
from domain.tenancy.api_key import ApiKey
from domain.tenancy.secret import SecretCommand

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

    from api.composition import Composition
    from application.orders import Outcome
    from domain.kernel.commands import Command

FIRST_STAFF: Final = StaffId(derived_id(PLATFORM, "first super admin"))
"""The staff member that every installation begins with."""
_FIRST_EMAIL: Final = "first.admin@penguinmails.invalid"
_FIRST_NAME: Final = "First super admin"


def secrets_folder(root: Path) -> Path:
    """Where keys that were made for the installation's owner are kept (0700)."""
    folder = root / "secrets"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def admin_key_file(root: Path) -> Path:
    """The file of the first super admin's key."""
    return secrets_folder(root) / "admin-key"


@dataclass(frozen=True, slots=True)
class Operator:
    """The system itself, as the one who holds the data folder works it: to open logs and to hand out first keys."""

    parts: Composition
    channel: str = "cli"

    async def execute(
        self,
        tenant_id: UUID,
        command: Command,
        target: UUID | None,
        *,
        key: str | None = None,
        opens_log: bool = False,
    ) -> Outcome:
        """Execute a command in a tenant's log, in the name of the system."""
        actor = Actor(ActorKind.SYSTEM, PLATFORM)
        order = Order(
            principal=Principal(tenant_id, actor, frozenset(Permission), None, 0),
            command=command,
            target=target,
            # A step's key is its whole meaning, also after an update that gives its command more fields.
            body=(key or command.model_dump_json()).encode(),
            key=key,
            key_space=KeySpace.STEPS,
            channel=self.channel,
            opens_log=opens_log,
        )
        return await self.parts.commands.execute(order)

    async def key_in_file(self, file: Path, tenant_id: UUID, command: SecretCommand) -> str:
        """The key in a file; one is made by `command`, and first written there, when there is none.

        The file comes first, so that no key exists which nobody has seen; a start killed in between finds the file and
        makes that very key.
        """
        parsed = _key_in(file, tenant_id, new_id(self.parts.clock()))
        await self._make(parsed, command)
        return parsed.text

    async def _make(self, parsed: ApiKeyText, command: SecretCommand) -> None:
        command.carrying(self.parts.hasher.hmac(parsed.tenant_id, parsed.text))
        await self.execute(parsed.tenant_id, command, parsed.key_id, key=f"key/{parsed.key_id}")


class FirstKey:
    """The first key of somebody: it lies in a file of the data folder until it was seen, and is shown until then.

    So a command that was killed on its way, and is sent again, leaves nobody without the key that only they can have.
    """

    def __init__(self, root: Path, tenant_id: UUID, whose: UUID) -> None:
        """The key of `whose`, in a tenant's log."""
        self.key_id = derived_id(whose, "first key")
        self._tenant_id = tenant_id
        self._file = secrets_folder(root) / f"first-key-{self.key_id}"

    async def unseen(self, parts: Composition) -> ApiKeyText | None:
        """The key that is to be made, as often as need be, and shown; None where it was made and seen."""
        made = await parts.commands.state(self._tenant_id, "api_key", self.key_id)
        if isinstance(made, ApiKey) and not self._file.exists():
            return None
        return _key_in(self._file, self._tenant_id, self.key_id)

    def seen(self) -> None:
        """Forget the key: it was shown."""
        self._file.unlink(missing_ok=True)


def _key_in(file: Path, tenant_id: UUID, fresh_id: UUID) -> ApiKeyText:
    """The key that a file holds, or one that it holds from now on."""
    if not file.exists():
        making = file.with_name(f"{file.name}.{os.getpid()}")
        making.unlink(missing_ok=True)
        write_private(making, f"{new_api_key(tenant_id, fresh_id).text}\n")
        making.replace(file)
    parsed = parse_api_key(file.read_text(encoding="ascii").strip())
    if parsed is None or parsed.tenant_id != tenant_id:
        raise KeyFileUnusable(
            f"{file} does not hold a key of this installation; move it away and start again"
        )
    return parsed


class KeyFileUnusable(CannotRun):
    """A file that should hold an API key holds something else."""


async def bootstrap(parts: Composition) -> str:
    """Open the platform's log if it is not open, and give the text of the first super admin's key."""
    operator = Operator(parts)
    await operator.execute(
        PLATFORM,
        AddStaff(role=StaffRole.SUPER_ADMIN, email=_FIRST_EMAIL, full_name=_FIRST_NAME),
        FIRST_STAFF,
        key="installation/first-super-admin",
        opens_log=True,
    )
    await _adopt_packs(operator)
    command = CreateStaffKey(staff_id=FIRST_STAFF, label="First key, in the data folder")
    return await operator.key_in_file(admin_key_file(parts.settings.root), PLATFORM, command)


async def _adopt_packs(operator: Operator) -> None:
    """Enter the rule packs that came with this version of the product, where they are others than before."""
    for name, text in sorted(pack_texts().items()):
        pack = read_pack(text, name)
        command = AdoptRulePack(law=pack.law, pack_version=pack.version, text=text)
        await operator.execute(PLATFORM, command, pack_stream_id(pack.law))
