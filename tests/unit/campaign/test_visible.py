"""What a reader sees of an HTML body: what its own markup hides does not count as shown."""

from __future__ import annotations

import pytest

from application.templates import read
from domain.campaign.tokens import REQUIRED
from domain.campaign.visible import visible
from tests.support.campaigns import BODY, written
from tests.support.reviewing import campaign

LINK = "{{ unsubscribe_url }}"


@pytest.mark.parametrize(
    "html",
    [
        f"<p>{LINK}</p>",
        f'<a href="{LINK}">Stop</a>',
        f'<A HREF={LINK} style="color: #333">Stop</A>',
        f'<p style="display:none">x</p>{LINK}',
        f'<div style="display:none"><p>x</div>{LINK}',
        f'<img style="display:none" alt="x">{LINK}',
        f'<input type="hidden" hidden>{LINK}',
        f'<p style="display:none;display:block">{LINK}</p>',
        f'<p style="display:block !important;display:none">{LINK}</p>',
        f'<td style="font-size:0"><div style="font-size:14px">{LINK}</div></td>',
        f'<div style="visibility:hidden"><p style="visibility:visible">{LINK}</p></div>',
        f'<p style="font-size:0.8em;max-height:none;opacity:0.5">{LINK}</p>',
        f'<p style="height:0">{LINK}</p>',
        f"<!DOCTYPE html><html><head><title>x</title><style>p{{}}</style></head><body>{LINK}</body></html>",
        f"<head><title>x</title><p>{LINK}</p>",
        f"<![if !mso]>{LINK}<![endif]>",
        f"a < b and {LINK} > c",
    ],
)
def test_what_is_seen_is_shown(html: str) -> None:
    assert "unsubscribe_url" in read(html, "/html", html=True).shown


@pytest.mark.parametrize(
    "html",
    [
        f'<p style="display:none">{LINK}</p>',
        f'<P STYLE="Display : NONE !important">{LINK}</P>',
        f"<p style='color:red;/* ; */display:/**/none'>{LINK}</p>",
        f'<p style="d\\69splay:none">{LINK}</p>',
        f'<p style="display:&#110;one">{LINK}</p>',
        f'<p style="display:none !important;display:block">{LINK}</p>',
        f'<p style="display:none" style="display:block">{LINK}</p>',
        f'<div style="display:none"><p><b style="display:block">{LINK}</b></p></div>',
        f'<a style="display:none" href="{LINK}">Stop</a>',
        f'<div hidden><a href="{LINK}">Stop</a></div>',
        f'<p hidden="until-found">{LINK}</p>',
        f'<p style="visibility:hidden">{LINK}</p>',
        f'<p style="visibility:collapse"><b>{LINK}</b></p>',
        f'<p style="font-size:0">{LINK}</p>',
        f'<p style="font-size:0px"><b style="font-size:2em">{LINK}</b></p>',
        f'<p style="font-size:.0pt">{LINK}</p>',
        f'<p style="opacity:0">{LINK}</p>',
        f'<div style="max-height:0;overflow:hidden">{LINK}</div>',
        f'<div style="display:none"/>{LINK}',
        f'<div style="display:none"></p></span>{LINK}</div>',
        f'<div style="display:none"><table></div>{LINK}',
        f'<body style="display:none"></body>{LINK}',
        f'<p style="display:{{{{ title | default: "none" }}}}">{LINK}</p>',
        f"<head><title>{LINK}</title></head>",
        f"<style>{LINK}</style>",
        f"<script>{LINK}</script>",
        f"<template><p>{LINK}</p></template>",
        f'<p title="{LINK}">x</p>',
        f"<!-- > {LINK} -->",
        f"<!x {LINK}",
        f"<p x {LINK}",
    ],
)
def test_what_is_hidden_is_not(html: str) -> None:
    assert "unsubscribe_url" not in read(html, "/html", html=True).shown


def test_what_nobody_would_nest_shows_nothing_and_takes_no_time() -> None:
    assert visible("<b>" * 30_000 + "x" + "</i>" * 30_000) == ""
    assert visible("x" + "</i>" * 30_000) == "x"
    assert visible("<b>" * 400 + "x" + "</i>" * 20_000 + "y") == "xy"


def test_words_of_a_sender_that_nobody_sees_are_missing() -> None:
    """As an author hid all that the United States want, and it passed."""
    hidden = f'<p style="display:none">{BODY}</p><p>Buy saws</p>'
    world = written(html=hidden, text=None)
    checked = campaign(world).checked
    assert checked is not None
    assert checked.missing_tokens == REQUIRED
    assert {"postal_address", "unsubscribe_mechanism"} <= {one.element for one in checked.missing}
    written_out = BODY.replace("{{ company.address }}", "<b hidden>1 Saw Street, Berlin</b>")
    world = written(html=written_out, text=None, postal_address="1 Saw Street, Berlin")
    checked = campaign(world).checked
    assert checked is not None
    assert "postal_address" in {one.element for one in checked.missing}
