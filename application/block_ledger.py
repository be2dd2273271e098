"""Blocks of messages in the tenants' logs: reserved, ended and settled through the one command path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from application.blocks import ReservedBlock
from application.counting import used_of
from application.workflow import Because, Workflow
from domain.billing.catalogue import Meter
from domain.billing.usage import EndBlock, ReserveBlock, SettleBlock, counter_id
from domain.kernel.ids import BlockId, new_id

if TYPE_CHECKING:
    from uuid import UUID

    from application.blocks import Granted
    from application.commanding import Commands


class LogLedger:
    """Implements `Ledger`."""

    def __init__(self, commands: Commands) -> None:
        """This process is one consumer, under an id of its own."""
        self._commands = commands
        self._consumer = new_id(commands.clock())

    async def reserve(self, tenant_id: UUID, period: str, wanted: int) -> ReservedBlock:
        """See `Ledger.reserve`."""
        block_id = BlockId(new_id(self._commands.clock()))
        command = ReserveBlock(period=period, block_id=block_id, consumer=self._consumer, wanted=wanted)
        target = counter_id(tenant_id, Meter.EMAILS, period)
        workflow = self._acting(tenant_id, block_id)
        outcome = await workflow.execute(command, target, key=f"block/{block_id}/reserved")
        if outcome.told is None or outcome.appended is None:
            raise TypeError("a block was reserved that is none")
        return ReservedBlock(block_id, outcome.told["amount"], outcome.appended.last_position)

    async def settle(self, granted: Granted) -> None:
        """See `Ledger.settle`."""
        tenant_id, period = granted.key
        workflow = self._acting(tenant_id, granted.block_id)
        if granted.sure:
            await settle(workflow, period, granted.block_id, granted.spent)
        else:
            await settle_by_log(self._commands, workflow, period, granted.block_id, granted.position)

    def _acting(self, tenant_id: UUID, block_id: BlockId) -> Workflow:
        return Workflow(self._commands, tenant_id, self._consumer, Because(block_id))


async def settle(workflow: Workflow, period: str, block_id: BlockId, used: int) -> None:
    """Enter what was used of a block. Whoever comes second finds it settled."""
    target = counter_id(workflow.tenant_id, Meter.EMAILS, period)
    command = SettleBlock(period=period, block_id=block_id, used=used)
    await workflow.execute(command, target, key=f"block/{block_id}/settled")


async def settle_by_log(
    commands: Commands, workflow: Workflow, period: str, block_id: BlockId, reserved_at: int
) -> None:
    """Let nothing more be used of a block, count what the log has under it, and enter that."""
    await workflow.execute(EndBlock(), block_id, key=f"block/{block_id}/ended")
    used = await used_of(commands.log, workflow.tenant_id, block_id, reserved_at)
    await settle(workflow, period, block_id, used)
