"""What a reader sees of an HTML body: what its own markup hides does not count as shown."""

from __future__ import annotations

import pytest

from application.templates import read
from domain.campaign.tokens import REQUIRED
from domain.campaign.visible import Visible, visible
from tests.support.campaigns import HTML, written
from tests.support.reviewing import campaign

LINK, WORDS = "{{ unsubscribe_url }}", "{{ company.address }}"


@pytest.mark.parametrize(
    "html",
    [
        f"<p>{WORDS}</p>",
        f'<a href="{LINK}">Stop</a>',
        f'<A HREF={LINK} style="color: #333">Stop</A>',
        f'<p style="display:none">x</p>{WORDS}',
        f'<div style="display:none"><p>x</div>{WORDS}',
        f'<img style="display:none" alt="x">{WORDS}',
        f'<input type="hidden" hidden>{WORDS}',
        f'<p style="display:none;display:block">{WORDS}</p>',
        f'<p style="display:block !important;display:none">{WORDS}</p>',
        f'<td style="font-size:0"><div style="font-size:14px">{WORDS}</div></td>',
        f'<div style="visibility:hidden"><p style="visibility:visible">{WORDS}</p></div>',
        f'<p style="font-size:0.8em;max-height:none;opacity:0.5">{WORDS}</p>',
        f'<p style="height:0">{WORDS}</p>',
        f"<!DOCTYPE html><html><head><title>x</title><style>p{{}}</style></head><body>{WORDS}</body></html>",
        f"<head><title>x</title><p>{WORDS}</p>",
        f"<![if !mso]>{WORDS}<![endif]>",
        f"a < b and {WORDS} > c",
        f'<p style="display:block;display:bogus">{WORDS}</p>',
        f'<p style="font-size:12px;font-size:bogus;font:0 3px">{WORDS}</p>',
        f"<p style=\"font:bold 12px/1.5 -apple-system, 'Segoe UI', Arial\">{WORDS}</p>",
        f'<td style="font:0/0 a"><p style="font:12px/18px Arial">{WORDS}</p></td>',
        f'<td style="line-height:0;overflow:hidden"><p style="line-height:18px">{WORDS}</p></td>',
        f'<td style="line-height:0">{WORDS}</td>',
        f'<td style="width:0"><p style="width:90px;overflow:hidden">{WORDS}</p></td>',
        f'<td style="width:1%"><p style="overflow:hidden">{WORDS}</p></td>',
        f'<div style="text-indent:-9999px"><p style="text-indent:0">{WORDS}</p></div>',
        f'<p style="position:relative;inset:0 auto;margin:-2px 0 0 auto;text-indent:2em">{WORDS}</p>',
        f'<div style="overflow:hidden;width:600px;max-width:100%;height:auto">{WORDS}</div>',
        f'<div style="width:calc(100% - 20px);margin:0 auto -2px">{WORDS}</div>',
        f'<div style="background:url(//x/*y);color:#333">{WORDS}</div>',
        f'<div style="font-family:&quot;a;display:none;b&quot;">{WORDS}</div>',
        f'<p style="display:none !ie">{WORDS}</p>',
        f'<p style="position:relative;left:-5px;top:50%">{WORDS}</p>',
        f'<p style="left:-9999px">{WORDS}</p>',
        f'<a href="{LINK}" style="pointer-events:auto">Stop</a>',
        f'<a href="{LINK}">👍</a>',
        f'<p style="opacity:50%;zoom:1;filter:grayscale(1);transform:none">{WORDS}</p>',
        f'<html style="font-size:62.5%"><p style="font-size:1.2rem">{WORDS}</p></html>',
        f'<a href="{LINK}" style="font-size:0"><span style="font-size:14px">Stop</span></a>',
        f'<td style="font-size:0"><a href="{LINK}"><img src="x" width="20"></a></td>',
        f"<dialog open>{WORDS}</dialog><details open>x</details>",
        f'<input type="image" alt="{WORDS}"><video><p>x</p></video>',
        f'<div style="contain:layout paint;padding:20px 0">{WORDS}</div>',
        f"<li><div hidden></li>{WORDS}",
        f"<div><span hidden></div>{WORDS}",
        f"<!--[if mso]><p hidden><![endif]-->{WORDS}",
    ],
)
def test_what_is_seen_is_shown(html: str) -> None:
    assert len(read(html, "/html", html=True).shown) == 1


@pytest.mark.parametrize(
    "html",
    [
        f'<p style="display:none">{WORDS}</p>',
        f'<P STYLE="Display : NONE !important">{WORDS}</P>',
        f"<p style='color:red;/* ; */display:/**/none'>{WORDS}</p>",
        f'<p style="d\\69splay:none">{WORDS}</p>',
        f'<p style="display:&#110;one">{WORDS}</p>',
        f'<p style="display:none !important;display:block">{WORDS}</p>',
        f'<p style="display:none" style="display:block">{WORDS}</p>',
        f'<div style="display:none"><p><b style="display:block">{WORDS}</b></p></div>',
        f'<a style="display:none" href="{LINK}">Stop</a>',
        f'<div hidden><a href="{LINK}">Stop</a></div>',
        f'<p hidden="until-found">{WORDS}</p>',
        f'<p style="visibility:hidden">{WORDS}</p>',
        f'<p style="visibility:collapse"><b>{WORDS}</b></p>',
        f'<p style="font-size:0">{WORDS}</p>',
        f'<p style="font-size:0px"><b style="font-size:2em">{WORDS}</b></p>',
        f'<p style="font-size:.0pt">{WORDS}</p>',
        f'<p style="opacity:0">{WORDS}</p>',
        f'<div style="max-height:0;overflow:hidden">{WORDS}</div>',
        f'<div style="display:none"/>{WORDS}',
        f'<div style="display:none"></p></span>{WORDS}</div>',
        f'<div style="display:none"><table></div>{WORDS}',
        f'<body style="display:none"></body>{WORDS}',
        f'<p style="display:{{{{ title | default: "none" }}}}">{WORDS}</p>',
        f"<head><title>{WORDS}</title></head>",
        f"<style>{WORDS}</style>",
        f"<script>{WORDS}</script>",
        f"<template><p>{WORDS}</p></template>",
        f'<p title="{WORDS}">x</p>',
        f"<!-- > {WORDS} -->",
        f"<!x {WORDS}",
        f"<p x {WORDS}",
        f'<p style="display:none;display:bogus">{WORDS}</p>',
        f'<p style="display:none;display:bloc\u212a;display:\u00a0block">{WORDS}</p>',
        f'<p style="display:none;font-family:&quot;;display:block;&quot;">{WORDS}</p>',
        f'<p style="display:none;background:url(x;display:block)">{WORDS}</p>',
        f'<p style="display:none;x:xurl(a&quot;);display:block;x:&quot;b)">{WORDS}</p>',
        f'<p style="background:url(//x/*y);display:none">{WORDS}</p>',
        f'<p style="display:var(--x,none)">{WORDS}</p>',
        f'<p style="display:table-column">{WORDS}</p>',
        f'<p style="display:block;(">{WORDS}</p>',
        f'<p style="visibility:hidden"><b style="visibility:bogus">{WORDS}</b></p>',
        f'<p style="visibility:var(--x)">{WORDS}</p>',
        f'<p style="content-visibility:hidden">{WORDS}</p>',
        f'<p style="font:0/0 a">{WORDS}</p>',
        f'<p style="font:0/0 a;font:14px">{WORDS}</p>',
        f'<p style="font:calc(0px) a">{WORDS}</p>',
        f'<p style="font-size:0;font:bold 700 14px a">{WORDS}</p>',
        f'<p style="width:0"><b style="display:block;overflow:hidden">{WORDS}</b></p>',
        f'<p style="font:{"bold " * 300}14px a">{WORDS}</p>',
        f'<p style="font-size:14px;all:unset">{WORDS}</p>',
        f'<p style="font-size:calc(0px)">{WORDS}</p>',
        f'<p style="font-size:0.01px">{WORDS}</p>',
        f'<p style="font-size:1px">{WORDS}</p>',
        f'<p style="font-size:1">{WORDS}</p>',
        f'<p style="font-size:1e-3em">{WORDS}</p>',
        f'<p style="font-size:0;font-size:\u0661\u0664px">{WORDS}</p>',
        f'<div style="font-size:.5em"><p style="font-size:50%">{WORDS}</p></div>',
        f'<html style="font-size:1px"><p style="font-size:2rem">{WORDS}</p></html>',
        f'<p style="opacity:calc(0)">{WORDS}</p>',
        f'<p style="opacity:0.001">{WORDS}</p>',
        f'<div style="opacity:30%"><p style="opacity:0.3">{WORDS}</p></div>',
        f'<p style="filter:opacity(0)">{WORDS}</p>',
        f'<p style="filter:alpha(opacity=0)">{WORDS}</p>',
        f'<p style="transform:scale(0)">{WORDS}</p>',
        f'<p style="transform:scale(0);transform:auto">{WORDS}</p>',
        f'<p style="zoom:.01">{WORDS}</p>',
        f'<p style="clip-path:inset(100%)">{WORDS}</p>',
        f'<p style="position:absolute;clip:rect(0,0,0,0)">{WORDS}</p>',
        f'<p style="width:0;overflow:hidden">{WORDS}</p>',
        f'<p style="width:1px;height:1px;overflow:auto">{WORDS}</p>',
        f'<p style="max-height:0;max-height:xauto;overflow-x:hidden">{WORDS}</p>',
        f'<p style="max-height:calc(0px);overflow:hidden">{WORDS}</p>',
        f'<p style="line-height:0;overflow:hidden">{WORDS}</p>',
        f'<p style="mso-hide:all">{WORDS}</p>',
        f'<p style="text-indent:-9999px"><b>{WORDS}</b></p>',
        f'<p style="text-indent:-100%">{WORDS}</p>',
        f'<p style="position:absolute;left:-999px">{WORDS}</p>',
        f'<p style="position:absolute;left:-9999px;left:bogus">{WORDS}</p>',
        f'<p style="position:absolute;left:-9999px;left:0 0;left:-+5px">{WORDS}</p>',
        f'<p style="text-indent:-9999px;text-indent:auto;text-indent:0 0">{WORDS}</p>',
        f'<p style="text-indent:-9999px hanging">{WORDS}</p>',
        f'<p style="font-size-adjust:0">{WORDS}</p>',
        f'<p style="position:fixed;top:-100vh">{WORDS}</p>',
        f'<p style="position:fixed;inset:auto auto auto -50em">{WORDS}</p>',
        f'<p style="margin-left:-9999px">{WORDS}</p>',
        f'<input type="hidden" alt="{WORDS}" value="{WORDS}">',
        f"<dialog>{WORDS}</dialog>",
        f"<details><summary>x</summary>{WORDS}</details>",
        f"<p popover>{WORDS}</p>",
        f"<datalist><option>{WORDS}</datalist>",
        f"<audio>{WORDS}</audio>",
        f"<video><p>{WORDS}</p></video>",
        f"<canvas>{WORDS}</canvas>",
        f"<object>{WORDS}</object>",
        f"<svg><desc>{WORDS}</desc></svg>",
        f'<a href="{LINK}"></a>',
        f'<a href="{LINK}">&nbsp;&zwnj;</a>',
        f'<a href="{LINK}"><b style="display:none">Stop</b></a>Go',
        f'<a href="{LINK}"><img src="x" width="1" height="1"></a>',
        f'<a href="{LINK}"><img src="x" style="width:0"></a>',
        f'<p alt="{WORDS}" href="{LINK}">x</p>',
        f'<base href="{LINK}">',
        f'<link rel="help" href="{LINK}">',
        f'<p inert><a href="{LINK}">Stop</a></p>',
        f'<a href="{LINK}" style="pointer-events:none">Stop</a>',
        f'<p hidden>{WORDS}</p><img src="x" alt="x" title="{WORDS}">',
        f'<div style="contain:strict">{WORDS}</div>',
        f'<div style="interactivity:inert">{WORDS}</div>',
        f'<div style="padding-top:9999px;height:10px;overflow:hidden">{WORDS}</div>',
        f"<!--><div hidden><!-- -->{WORDS}",
        f"<!-- --!><div hidden><!-- -->{WORDS}",
        f'<p title="<!--"><div hidden><p title="-->">{WORDS}',
        f"<style><!--</style><div hidden><style>--></style>{WORDS}",
        f"<p><div hidden></p>{WORDS}",
        f"<i><b hidden></i>{WORDS}",
        f"<td><div hidden></td>{WORDS}",
        f"<div><textarea></div>{WORDS}",
        f'</p x="> {WORDS} ">',
        f'<div style="display:none;-moz-display:block">{WORDS}</div>',
        f'<div style="opacity:0;-o-opacity:1">{WORDS}</div>',
        f'<div style="-webkit-opacity:0">{WORDS}</div>',
    ],
)
def test_what_is_hidden_is_not(html: str) -> None:
    assert read(html, "/html", html=True).shown == frozenset()


NEWSLETTER = """<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN"
 "http://www.w3.org/TR/xhtml1/DTD/xhtml1.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" lang="en">
<head><meta charset="utf-8"><title>Saws</title>
<!--[if mso]><style>td {font-family: Arial}</style><![endif]-->
<style>@media (max-width: 600px) { .col { width: 100% !important } }</style></head>
<body style="margin:0;padding:0;width:100%;-webkit-text-size-adjust:100%;font-family:-apple-system,'Segoe UI',Arial">
<div style="display:none;font-size:1px;line-height:1px;max-height:0;max-width:0;opacity:0;overflow:hidden;
 mso-hide:all">
PREHEADER&#847;&zwnj;&nbsp;</div>
<table role="presentation" width="100%" cellpadding="0" style="border-collapse:collapse;mso-table-lspace:0pt">
<tr><td align="center" style="font-size:0;line-height:0;padding:0 0 20px"><a href="https://saws.example/"><img
 src="https://saws.example/logo.png" width="120" height="40" alt="LOGO" style="display:block;height:auto"></a></td></tr>
<tr><td style="font-size:0;text-align:center">
 <!--[if mso]><table><tr><td width="300"><![endif]-->
 <div class="col" style="display:inline-block;width:100%;max-width:300px;
  min-width:calc(1px);vertical-align:top;font-size:14px;line-height:1.5">
  COLUMN</div>
 <!--[if mso]></td></tr></table><![endif]--></td></tr>
<tr><td height="20" style="font-size:1px;line-height:1px;height:20px">&nbsp;</td></tr>
<tr><td><div style="overflow:hidden;filter:progid:DXImageTransform.Microsoft.gradient(startColorstr='#fff')">
 <a href="https://saws.example/buy" style="background:#06c url('https://saws.example/b.png') no-repeat;color:#fff;
  display:inline-block;font:700 16px/44px Arial,sans-serif;text-decoration:none;width:200px">BUTTON</a></div></td></tr>
<tr><td style="padding:0 24px;font-size:11px;line-height:16px;color:#666;mso-line-height-rule:exactly">
 <p style="margin:0 0 10px">{{ company.name }}<br>{{ company.address }}</p>
 <p style="margin:0"><a href="{{ unsubscribe_url }}" style="color:#666;font-size:inherit">Unsubscribe</a></p>
 <img src="https://saws.example/o.gif" width="1" height="1" alt="PIXEL" style="visibility:hidden"></td></tr>
</table></body></html>"""


def test_of_a_plain_newsletter_all_is_seen_but_its_preheader() -> None:
    """The ways of its trade: cells without a letter's height around columns that have one, Outlook's own boxes."""
    assert read(NEWSLETTER, "/html", html=True).shown == frozenset(REQUIRED)
    seen = visible(NEWSLETTER)
    assert all(one in seen.words for one in ("COLUMN", "BUTTON"))
    assert not any(one in seen.words for one in ("PREHEADER", "PIXEL", "Saws", "progid", "https:"))
    assert seen.links == ("https://saws.example/", "https://saws.example/buy", LINK)


def test_what_nobody_would_nest_shows_nothing_and_takes_no_time() -> None:
    assert visible("<b>" * 30_000 + "x" + "</i>" * 30_000) == Visible()
    assert visible("x" + "</i>" * 30_000).words == "x"
    assert visible("<b>" * 400 + "x" + "</i>" * 20_000 + "y").words == "xy"
    for style in ("u" * 400_000, "font:" + "bold " * 80_000 + "|", "(" * 400_000, "left:-1px;" * 40_000):
        visible(f'<p style="{style}">x</p>')
    bold = "<p>" + "".join(f"<b id={number}>" for number in range(1_900)) + "x</p>" + "<p>x</p>" * 3_000
    kept = (
        "".join(f"<b id={number}><table><td></b></td></table>" for number in range(1_500))
        + "<p>x</p>" * 3_000
    )
    long = f"<p><b x='{'y' * 38_000}'></p><table>" + "x<col>" * 9_100
    attributes = f"<a {' '.join(f'b{number}' for number in range(15_000))}>x</a>"
    quoted = "<a " + "".join(f"b{number}='<'" for number in range(10_000)) + ">x</a>"
    assert (
        visible(bold) == visible(kept) == visible(attributes) == visible(quoted) == visible(long) == Visible()
    )
    for part in ("<a ", '<a""', "<!-- ", '<a x="', "</ ", "<div>"):
        read(part * (90_000 // len(part)) + LINK + "{% if title %}x{% endif %}", "/html", html=True)


def test_words_of_a_sender_that_nobody_sees_are_missing() -> None:
    """As an author hid all that the United States want, and it passed."""
    hidden = f'<p style="display:none">{HTML}</p><p>Buy saws</p>'
    world = written(html=hidden, text=None)
    checked = campaign(world).checked
    assert checked is not None
    assert checked.missing_tokens == REQUIRED
    assert {"postal_address", "unsubscribe_mechanism"} <= {one.element for one in checked.missing}
    written_out = HTML.replace("{{ company.address }}", "<b hidden>1 Saw Street, Berlin</b>")
    world = written(html=written_out, text=None, postal_address="1 Saw Street, Berlin")
    checked = campaign(world).checked
    assert checked is not None
    assert "postal_address" in {one.element for one in checked.missing}
