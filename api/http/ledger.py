"""The audit ledger over HTTP: checkpoints, tiles and proofs of a tenant's two logs, in the formats that others verify.

A log's prefix is `/v1/ledger/{log}`: below it stand `checkpoint` and `tile/...` (C2SP tlog-tiles). They hold hashes and
signatures alone; an event's envelope holds what the log holds, personal values sealed.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import Response
from starlette.routing import Route

from api.http.asking import Asked, Desk
from api.http.auditing import must_read
from api.http.kinds import NOT_FOUND
from api.http.numbers import whole
from api.http.problems import Problem, bad_parameter
from api.http.replies import ALWAYS
from application.proving import Proving
from domain.access.reads import ReadKind
from domain.audit.origins import LogId, LogKind
from domain.kernel.permissions import Permission

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from application.ports.ledger import SignedTree
    from application.proving import Proof

ENVELOPES: Final = {
    LogKind.EVENTS: (Permission.HISTORY_READ, Permission.HISTORY_READ_PERSONAL),
    LogKind.ACCESS: (Permission.ACCESS_READ,),
}
"""What it takes to have envelopes. Values in them are sealed; but streams found by a pseudonym are named by it, and
a pseudonym is personal (GDPR, Recital 26)."""

TEXT: Final = "text/plain; charset=utf-8"
BINARY: Final = "application/octet-stream"


class LedgerDesk(Desk):
    """Answers from trees, tiles and checkpoints."""

    def routes(self) -> list[Route]:
        """One for the keys, and those of each log."""
        of_a_log = {
            "checkpoint": self.checkpoint,
            "checkpoints": self.checkpoints,
            "verifier-keys": self.verifier_keys,
            "tile/{path:path}": self.tile,
            "inclusion": self.inclusion,
            "consistency": self.consistency,
            "proofs/{position}": self.proof,
            "envelopes/{position}": self.envelope,
        }
        return [
            Route("/v1/ledger/keys", self.keys, methods=["GET"]),
            *(Route(f"/v1/ledger/{{log}}/{path}", door, methods=["GET"]) for path, door in of_a_log.items()),
        ]

    async def keys(self, request: Request) -> Response:
        """The keys that checkpoints of this installation are signed by, and were."""
        asked = await self.asked(request, "ledger.keys")
        if asked.principal.audit is None:
            asked.principal.require(Permission.HISTORY_READ)
        position = await self.parts.position_of(asked.principal.tenant_id)
        told = [
            {
                "number": key.number,
                "installation": key.name,
                "public_key": base64.b64encode(key.public_key).decode(),
                "signs_from": key.signs_from.isoformat(),
                "signs_until": None if key.signs_until is None else key.signs_until.isoformat(),
            }
            for key in await self.parts.ledger.keys()
        ]
        await self._of_staff(asked, "ledger.keys", position, len(told), {})
        return self.answer(asked, {"data": told, "next": None, "position": position, "as_of": None}, position)

    async def checkpoint(self, request: Request) -> Response:
        """The latest checkpoint as it was signed."""
        asked, log, position = await self._asked(request, "ledger.checkpoint")
        tree = await self._proving().tree(log)
        await self._of_staff(asked, "ledger.checkpoint", position, 1, {"log": log.log})
        return self._bytes(asked, tree.note, TEXT, position)

    async def checkpoints(self, request: Request) -> Response:
        """A page of the checkpoints that are kept for ever, the oldest first."""
        asked, log, position = await self._asked(request, "ledger.checkpoints", "cursor", "limit")
        limit = asked.limit()
        after = _after(asked.given.pop("cursor", None))
        found = await self.parts.ledger.kept(log, after=after, limit=limit + 1)
        rows = [_tree(one) for one in found[:limit]]
        following = f"{rows[-1]['epoch']}.{rows[-1]['size']}" if len(found) > limit else None
        await self._of_staff(asked, "ledger.checkpoints", position, len(rows), {"log": log.log})
        content = {"data": rows, "next": following, "position": position, "as_of": None}
        return self.answer(asked, content, position)

    async def verifier_keys(self, request: Request) -> Response:
        """The keys that the latest checkpoint is verified by, as others take them: a line each (C2SP signed-note)."""
        asked, log, position = await self._asked(request, "ledger.verifier_keys", "epoch")
        tree, told = await self._proving().tree(log), asked.given.pop("epoch", None)
        epoch = tree.epoch if told is None else _number("epoch", told)
        keys = await self.parts.ledger.keys()
        lines = await self._proving().verifier_keys(log, keys[-1].name, epoch)
        await self._of_staff(asked, "ledger.verifier_keys", position, len(lines), {"log": log.log})
        return self._bytes(asked, "".join(f"{line}\n" for line in lines).encode(), TEXT, position)

    async def tile(self, request: Request) -> Response:
        """A tile of hashes, or a bundle of entries."""
        asked, log, position = await self._asked(request, "ledger.tile")
        path = f"tile/{request.path_params['path']}"
        content = await self._proving().file(log, path)
        await self._of_staff(asked, "ledger.tile", position, 1, {"log": log.log, "path": path})
        return self._bytes(asked, content, BINARY, position)

    async def inclusion(self, request: Request) -> Response:
        """That an event is in the tree of a checkpoint."""
        asked, log, position = await self._asked(request, "ledger.inclusion", "position", "size")
        wanted, size = _needed(asked, "position"), _perhaps(asked, "size")
        found = await self._proving().inclusion(log, wanted, size)
        await self._of_staff(asked, "ledger.inclusion", position, 1, {"log": log.log, "position": wanted})
        return self.answer(asked, _proof(found, position, leaf=found.index), position)

    async def consistency(self, request: Request) -> Response:
        """That the tree of an older checkpoint is the beginning of a newer one's."""
        asked, log, position = await self._asked(request, "ledger.consistency", "from", "to")
        old, new = _needed(asked, "from", least=0), _perhaps(asked, "to")
        found = await self._proving().consistency(log, old, new)
        await self._of_staff(asked, "ledger.consistency", position, 1, {"log": log.log, "from": old})
        return self.answer(asked, _proof(found, position, old_size=old), position)

    async def proof(self, request: Request) -> Response:
        """The proof of one event as a file, with the checkpoint it is checked by (C2SP tlog-proof)."""
        asked, log, position = await self._asked(request, "ledger.proof")
        wanted = _place(request)
        content = await self._proving().proof_file(log, wanted)
        await self._of_staff(asked, "ledger.proof", position, 1, {"log": log.log, "position": wanted})
        return self._bytes(asked, content, TEXT, position)

    async def envelope(self, request: Request) -> Response:
        """The bytes of one event that its leaf is made over, personal values sealed. Reading is recorded."""
        asked, log, position = await self._asked(request, "ledger.envelope")
        for permission in ENVELOPES[log.log]:
            asked.principal.require(permission)
        wanted = _place(request)
        content = await self._proving().envelope(log, wanted)
        filters = {"log": log.log, "position": wanted}
        await self.trace(
            asked, "ledger.envelope", ReadKind.REPLAY, position=position, rows=1, filters=filters
        )
        return self._bytes(asked, content, "application/json", position)

    def _proving(self) -> Proving:
        return Proving(self.parts.ledger)

    async def _asked(self, request: Request, name: str, *known: str) -> tuple[Asked, LogId, str]:
        """Who asks about which of their logs, and where the tenant's log stands."""
        asked = await self.asked(request, name, known)
        try:
            kind = LogKind(request.path_params["log"])
        except ValueError:
            raise Problem(NOT_FOUND) from None
        must_read(asked.principal, kind)
        tenant_id = asked.principal.tenant_id
        return asked, LogId(tenant_id, kind), await self.parts.position_of(tenant_id)

    async def _of_staff(
        self, asked: Asked, name: str, position: str, rows: int, filters: Mapping[str, Any]
    ) -> None:
        """Hashes tell nothing of anybody: of those who read them only staff are entered."""
        if asked.principal.staff:
            await self.trace(asked, name, ReadKind.STAFF, position=position, rows=rows, filters=filters)

    def _bytes(self, asked: Asked, content: bytes, media: str, position: str) -> Response:
        headers = {name.decode(): value.decode() for name, value in ALWAYS} | self.headers(asked, position)
        return Response(content, media_type=media, headers=headers)


def _tree(one: SignedTree) -> dict[str, Any]:
    return {
        "epoch": one.epoch,
        "size": one.size,
        "signed_at": one.signed_at.isoformat(),
        "note": one.note.decode(),
    }


def _proof(found: Proof, position: str, **told: int) -> dict[str, Any]:
    hashes = [base64.b64encode(one).decode() for one in found.hashes]
    data = {**told, "size": found.size, "hashes": hashes, "checkpoint": found.tree.note.decode()}
    return {"data": data, "position": position, "as_of": found.tree.signed_at.isoformat()}


def _after(cursor: str | None) -> tuple[int, int]:
    if cursor is None:
        return 0, -1
    epoch, _, size = cursor.partition(".")
    found = whole(epoch), whole(size)
    if found[0] is None or found[1] is None:
        raise bad_parameter("cursor", "Pass back what an earlier page gave as `next`.")
    return found[0], found[1]


def _place(request: Request) -> int:
    found = whole(request.path_params["position"])
    if found is None or found < 1:
        raise Problem(NOT_FOUND)
    return found


def _needed(asked: Asked, name: str, *, least: int = 1) -> int:
    text = asked.given.pop(name, None)
    if text is None:
        raise bad_parameter(name, f"Give a number of events, from {least} on.")
    return _number(name, text, least)


def _perhaps(asked: Asked, name: str) -> int | None:
    text = asked.given.pop(name, None)
    return None if text is None else _number(name, text)


def _number(name: str, text: str, least: int = 1) -> int:
    number = whole(text)
    if number is None or number < least:
        raise bad_parameter(name, f"Give a number of events, from {least} on.")
    return number
