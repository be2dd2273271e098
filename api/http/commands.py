"""The command door: `POST /v1/{context}/{stream_id}/{command}`, one route for every command there is.

Routes are tried in order, so that two hundred of them would cost the last one more than its work: here a dictionary
finds the command, and its body goes straight into its class.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson
from pydantic import ValidationError

from api.http.kinds import BODY_INVALID, METHOD_NOT_ALLOWED, NOT_FOUND
from api.http.problems import Problem, invalid_body
from api.http.replies import add_rate, dumps, raw, send_json
from api.http.request import Call, must_be, read_body, uuid_in
from api.http.versions import deprecation_of
from application.batch import repeated
from application.orders import Order, in_one_form
from application.principals import AccessEnded, MissingPermission, TenantSuspended
from application.replay import PSEUDONYMOUS
from application.showing import is_pseudonym
from domain.kernel.commands import COMMANDS
from domain.kernel.ids import new_id
from domain.kernel.permissions import Permission
from domain.kernel.personal import SEALED
from domain.tenancy.secret import SecretCommand

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from starlette.types import Receive, Scope, Send

    from api.http.callers import Callers
    from api.http.deadlines import Deadline
    from api.http.replies import RawHeaders
    from api.parts import Composition
    from application.orders import Outcome, Recordable
    from application.ports.log import Recorded
    from application.principals import Principal
    from application.rate_limits import Allowance
    from domain.kernel.commands import Command
    from domain.kernel.events import Event

_JSON: Final = b"application/json"
_PARTS: Final = 5
_SHOWN_ONCE: Final = (
    "The secret was shown before and is not kept. If it was lost, revoke this and create another."
)
_SHOWN_AGAIN: Final = (
    "The secret is shown again because the answer is: for a day, to who sent the same key first."
)


class CommandRoute:
    """Every command's route. Errors rise to the app, which answers each with its problem document."""

    def __init__(self, composition: Composition) -> None:
        """Answer with the parts of `composition`."""
        self._parts = composition
        self._by_path = {(command.context, command.slug): command for command in COMMANDS.public()}

    def finds(self, scope: Scope) -> bool:
        """Whether the path, of three parts below /v1, ends in a command's word."""
        parts = scope["path"].split("/")
        if len(parts) != _PARTS or parts[1] != "v1":
            return False
        command = self._by_path.get((parts[2], parts[4]))
        if command is not None and b"%" in scope["raw_path"]:
            return False  # no word of a command's path needs it: a slash that is encoded is no slash
        scope["penguin.route"] = (command, parts[3])
        return command is not None

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request that was found to be a command's."""
        if scope["method"] != "POST":
            raise Problem(METHOD_NOT_ALLOWED, headers={"allow": "POST"})
        parts, (kind, where) = self._parts, scope["penguin.route"]
        scope["penguin.command"] = f"{kind.context}.{kind.slug}"
        call = Call(scope)
        target: UUID | None = None
        if where != "new":
            target = uuid_in(where)
            if target is None:
                raise Problem(NOT_FOUND)
        principal = await parts.callers.identify(call)
        if principal.read_only or kind.permission not in principal.permissions:
            principal = await self._allowed(call, kind, principal)
        allowance = await parts.rates.take(principal.tenant_id, principal.rate_per_minute)
        deadline: Deadline = scope["penguin.deadline"]
        deadline.wait()  # how long a body may take to come is the protocol's to say
        body = await read_body(call, receive, parts.settings.max_body_bytes)
        deadline.go_on()
        order = self._order(call, principal, parse_command(call, kind, body), target, body)
        if call.dry_run():
            answer = await self._rehearsed(call, order)
        elif isinstance(order.command, SecretCommand):
            answer = await self._with_secret(order, order.command)
        else:
            answer = outcome_of(await parts.commands.execute(order))
        deadline.wait()  # it is done; how fast the caller takes the answer is theirs
        status = 201 if target is None and "dry_run" not in answer else 200
        written, headers = dumps(answer), _headers(call, answer, allowance)
        scope["penguin.status"] = status  # from here on nothing else can be answered
        await send_json(scope, send, status, written, headers)

    async def _allowed(self, call: Call, kind: type[Command], principal: Principal) -> Principal:
        """A refusal is never told from what was known alone."""
        try:
            principal.require(kind.permission)
            principal.may_write(kind.permission)
        except (MissingPermission, TenantSuspended, AccessEnded):
            principal = await self._parts.callers.identify(call, fresh=True)
            principal.require(kind.permission)
        return principal

    def _order(
        self, call: Call, principal: Principal, command: Command, target: UUID | None, body: bytes
    ) -> Order:
        parts, fresh_target = self._parts, None
        if isinstance(command, SecretCommand):
            fresh_target = new_id(parts.clock())
            if call.dry_run():  # makes nothing, not even the keys of a tenant to be
                command.carrying("")
        meant = _meant(body) if call.idempotency_key else body
        return order_of(call, parts.callers, principal, command, target, meant, fresh_target=fresh_target)

    async def _with_secret(self, order: Order, command: SecretCommand) -> dict[str, Any]:
        """The answer to a command, with the secret that it made; with what is left of it when it is given again."""
        secrets, target = self._parts.secrets, order.target or order.fresh_target
        if target is None:
            raise TypeError("a command with a secret has a target before it is executed")
        secret = await secrets.made(command, order.principal.tenant_id, target)
        outcome = await self._parts.commands.execute(order)
        answer = outcome_of(outcome)
        if not outcome.replayed:
            return answer | {"secret": secret}
        known = await secrets.again(command, order.principal.actor.id, outcome)
        return answer | {"secret": known, "note": _SHOWN_ONCE if known is None else _SHOWN_AGAIN}

    async def _rehearsed(self, call: Call, order: Order) -> dict[str, Any]:
        """What the command would do, decided on the log as it is now, for its caller as the log knows them now."""
        principal = await self._parts.callers.identify_now(call)
        outcome = await self._parts.commands.rehearse(order._replace(principal=principal))
        answer = rehearsal_of(outcome, shown=Permission.HISTORY_READ in principal.permissions)
        answer["position"] = await self._parts.position_of(principal.tenant_id)
        return answer


def _meant(body: bytes) -> bytes:
    """The body that an idempotency key stands for: the same for the same values, however they were written."""
    try:
        return in_one_form(orjson.loads(body or b"{}"))
    except orjson.JSONDecodeError:
        return body


def order_of(
    call: Call,
    callers: Callers,
    principal: Principal,
    command: Command,
    target: UUID | None,
    body: bytes,
    *,
    fresh_target: UUID | None = None,
) -> Order:
    """A command with all that its request's headers say of it."""
    return Order(
        principal,
        command,
        target,
        body,
        key=call.idempotency_key,
        expected_version=call.if_match,
        request_id=call.request_id,
        ip=call.ip,
        reason=call.reason,
        refresh=lambda: callers.identify(call, fresh=True),
        fresh_target=fresh_target,
    )


def parse_command(call: Call, kind: type[Command], body: bytes) -> Command:
    """The command in a body. Raises a `Problem` that names each field that does not fit."""
    if not body and not call.content_type:
        body = b"{}"
    elif call.content_type != _JSON:
        must_be(call, _JSON)
    try:
        command = kind.model_validate_json(body)
    except ValidationError as error:
        raise invalid_body(error) from None
    if twice := repeated(body):
        raise Problem(BODY_INVALID, errors=twice)
    return command


def outcome_of(outcome: Outcome) -> dict[str, Any]:
    """The answer to an accepted command, now or when it is given again."""
    if outcome.appended is None:
        raise TypeError("a rehearsal is no outcome")
    answer = {
        "command_id": outcome.command_id,
        "id": outcome.target,
        "version": outcome.version,
        "position": outcome.appended.position.token(),
        "replayed": outcome.replayed,
        "events": events_of(outcome.events),
    }
    return answer if outcome.told is None else answer | {"result": outcome.told}


def events_of(events: Iterable[Recordable | Recorded]) -> list[dict[str, Any]]:
    """Events as an answer names them. A stream whose id is a pseudonym is told by its kind alone."""
    return [
        {
            "name": event.name,
            "stream": _shown(event.stream),
            "version": event.version,
            "position": event.position,
        }
        for event in events
    ]


def rehearsal_of(outcome: Outcome, *, shown: bool) -> dict[str, Any]:
    """The answer to a dry run: the events it would append. `shown`: their content too, personal values sealed."""
    events: list[dict[str, Any]] = [{"name": event.name} for event in outcome.rehearsed]
    if shown:
        for told, event in zip(events, outcome.rehearsed, strict=True):
            told["data"] = sealed(event)
    answer = {"dry_run": True, "id": outcome.target, "version": outcome.version, "events": events}
    return answer if outcome.told is None else answer | {"result": outcome.told}


def sealed(event: Event) -> dict[str, Any]:
    """An event's content without personal values and without pseudonyms."""
    content = event.model_dump(mode="json")
    return {
        name: SEALED if name in event.personal and value is not None else value
        for name, value in content.items()
        if not is_pseudonym(name)
    }


def _shown(stream: str) -> str:
    category = stream.partition(":")[0]
    return category if category in PSEUDONYMOUS else stream


def _headers(call: Call, answer: dict[str, Any], allowance: Allowance) -> RawHeaders:
    headers = [
        (b"request-id", call.request_id.encode("ascii")),
        (b"penguin-position", answer["position"].encode("ascii")),
        (b"etag", b'"%d"' % answer["version"]),
    ]
    headers += raw(deprecation_of(call.scope["penguin.command"]))
    if call.told_version:
        headers.append((b"penguin-version", call.version.encode("ascii")))
    if answer.get("replayed"):
        headers.append((b"idempotent-replayed", b"true"))
    add_rate(headers, allowance)
    return headers
