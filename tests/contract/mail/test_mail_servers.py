"""What any mail server does with a letter: takes it over once, refuses it for good, or puts it off."""

from __future__ import annotations

import pytest

from application.ports.delivering import MailDeferred, MailRefused, MailTrouble, MailUnavailable
from tests.support.posts import Post, letter


async def test_a_letter_is_taken_over_once_as_it_was_written(post: Post) -> None:
    await post.server.send(letter("anna@acme.example"))
    assert post.taken() == [("anna@acme.example", "Acme: 80 % genutzt", "Zwölf von fünfzehn.\n")]


async def test_an_address_that_is_refused_keeps_no_other_back(post: Post) -> None:
    post.refuse("gone@acme.example")
    with pytest.raises(MailRefused) as refused:
        await post.server.send(letter("gone@acme.example"))
    await post.server.send(letter("anna@acme.example"))
    assert [to for to, _, __ in post.taken()] == ["anna@acme.example"]
    assert "gone" not in repr(refused.value)


async def test_an_address_that_is_put_off_is_told_from_a_server_that_takes_nothing(post: Post) -> None:
    post.defer("full@acme.example")
    with pytest.raises(MailDeferred) as deferred:
        await post.server.send(letter("full@acme.example"))
    assert deferred.value.trouble is MailTrouble.PUT_OFF
    assert "full" not in repr(deferred.value)
    post.deny("denied@acme.example")
    with pytest.raises(MailDeferred) as denied:
        await post.server.send(letter("denied@acme.example"))
    assert denied.value.trouble is MailTrouble.DENIED
    assert "denied@" not in repr(denied.value)
    await post.stop()
    with pytest.raises(MailUnavailable) as away:
        await post.server.send(letter("anna@acme.example"))
    assert not isinstance(away.value, MailDeferred)
    assert post.taken() == []
