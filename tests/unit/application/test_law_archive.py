"""What a decision was made by is found again after the product came with other packs."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from application.law_archive import LawArchive
from application.ports.codec import Cause
from application.ports.log import Append
from domain.audience import authorisation
from domain.audience.authorisation import AuthoriseMessage
from domain.kernel.commands import Actor, ActorKind
from domain.kernel.ids import PLATFORM, MessageId, new_id
from domain.law.pack import Pack
from domain.law.packs import load_packs, pack_texts
from domain.law.reading import PackUnusable, read_pack
from domain.platform.rule_pack import RulePackAdopted, pack_stream_id
from tests.support.office import Office, ada

WORDS = "This is how it was put before."
FORMER = pack_texts()["ca.toml"].replace('otherwise_about = "', f'otherwise_about = "{WORDS} ', 1)


async def adopted(office: Office, text: str = FORMER) -> Pack:
    pack = read_pack(text, "former.toml", adopted=True)
    event = RulePackAdopted(law=pack.law, pack_version=pack.version, text=text)
    command = new_id(datetime.now(UTC))
    cause = Cause(Actor(ActorKind.SYSTEM, PLATFORM), command, "tests.adopt", command)
    stream = f"rule_pack:{pack_stream_id(pack.law)}"
    stored = office.commands._codec.encode(PLATFORM, [(stream, event)], cause)
    await office.log.append(Append(PLATFORM, tuple(stored), opens_log=True))
    return pack


async def test_a_pack_of_before_holds_named_what_is_missing_is_found_as_it_was(office: Office) -> None:
    text = pack_texts()["nz.toml"].replace('missing = ["conduct"]\n', "")
    with pytest.raises(PackUnusable, match="does not say for want of what"):
        read_pack(text, "nz.toml")
    former = await adopted(office, text)
    archive = LawArchive(office.log, office.commands._codec)
    assert await archive.packs({"nz": former.version}) == (former,)


async def test_an_answer_that_is_given_again_keeps_the_words_of_the_packs_of_then(office: Office) -> None:
    await office.do(ada(office, country="CA"))
    rows = await office.log.read_log(office.principal.tenant_id)
    (stream,) = [row.stream for row in rows if row.name == "audience.addressee_registered"]
    target = UUID(stream.partition(":")[2])
    ask = AuthoriseMessage(message_id=MessageId(new_id(datetime.now(UTC))), workspace_id=office.workspace)
    then = [read_pack(FORMER, "ca.toml") if pack.law == "ca" else pack for pack in load_packs()]
    with pytest.MonkeyPatch.context() as before:
        before.setattr(authorisation, "load_packs", lambda: then)
        first = await office.do(ask, target, key="once")
    assert first.told is not None
    (reason,) = [one for one in first.told["reasons"] if one["law"] == "ca"]
    assert WORDS in reason["about"]
    assert reason["remedy"]

    unknown = await office.do(ask, target, key="once")
    assert unknown.told is not None
    (reason,) = [one for one in unknown.told["reasons"] if one["law"] == "ca"]
    assert (reason["rule"], reason["about"]) == ("otherwise", None), "nobody kept that version"

    await adopted(office)
    again = await office.do(ask, target, key="once")
    assert again.replayed
    assert again.told == first.told
