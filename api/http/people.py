"""The pages for people as HTML: a person's choices, a confirmation, what went wrong. No script, nothing from elsewhere.

Each is made for a width of 360 px first, in light and dark, and says no address and no name of a person.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from starlette.responses import Response

from api.http.languages import filled, languages
from domain.rights.kinds import RequestKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from api.http.languages import Said, Words
    from application.doors import AskedFor, InForce

HEADERS: Final = {
    "content-security-policy": "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "vary": "Accept, Accept-Language",
    "x-robots-tag": "noindex",
}
"""On every page: the address of a page is a person's key to it, so it goes nowhere."""
STYLE_ADDRESS: Final = "/people/style.css"
STYLE: Final = """
:root { color-scheme: light dark; }
* { box-sizing: border-box; }
body { font: 17px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 36rem; padding: 1rem; overflow-wrap: anywhere;
  background: #fff; color: #1b1b1f; }
h1 { font-size: 1.5rem; line-height: 1.25; }
h2 { font-size: 1.15rem; margin-top: 2rem; }
button { font: inherit; width: 100%; min-height: 3rem; padding: 0.6rem 1rem; margin: 0.5rem 0 0; text-align: left;
  border: 2px solid #0b57a4; border-radius: 6px; background: #fff; color: #0b57a4; cursor: pointer; }
button.first { background: #0b57a4; color: #fff; font-weight: 600; }
p.about { margin: 0.25rem 0 0.75rem; font-size: 0.95rem; }
blockquote { border-left: 4px solid #75757c; margin: 0.5rem 0; padding: 0.25rem 0.75rem; white-space: pre-line; }
[role=status] { border-left: 4px solid #1a7f37; padding: 0.25rem 0.75rem; }
nav ul { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; }
a { color: #0b57a4; }
nav a { display: inline-block; padding: 0.5rem 0; }
:focus-visible { outline: 3px solid #b35900; outline-offset: 2px; }
@media (prefers-color-scheme: dark) {
  body { background: #16181c; color: #e8e8ea; }
  button { background: #16181c; color: #9ecbff; border-color: #9ecbff; }
  button.first { background: #9ecbff; color: #10233a; }
  a { color: #9ecbff; }
  :focus-visible { outline-color: #ffb168; }
}
"""
EVERYTHING: Final = "everything"
OF_WORKSPACE: Final = "workspace"
OF_CAMPAIGN_TYPE: Final = "campaign_type"
OBJECTION: Final = "objection"
ACCESS: Final = "access"
ERASURE: Final = "erasure"
SALE_OPT_OUT: Final = "sale_opt_out"
REQUESTS: Final = (ACCESS, ERASURE, SALE_OPT_OUT)
"""What is asked for on the page about a person's data."""
LESS_WORKSPACE: Final = "only_workspace"
LESS_CAMPAIGN_TYPE: Final = "only_campaign_type"
CHOICES: Final = (EVERYTHING, OF_WORKSPACE, OF_CAMPAIGN_TYPE, OBJECTION, LESS_WORKSPACE, LESS_CAMPAIGN_TYPE)
"""What the form's buttons say, in their order: the first is the one that Enter presses. The last two stop less."""
SEEN: Final = "seen"
"""Says in the form's address which stop the page had seen, for the buttons that stop less than it did."""


def choices_page(code: str, now: InForce, to: str, chosen: str | None = None) -> str:
    """What a person may choose, and what is in force. `to`: where the form goes; `chosen`: what they just chose.

    The page about their data is beside it, under the same token.
    """
    words = languages()[code]
    title = filled(words.title, sender=now.sender)
    told = ""
    if chosen is not None:
        told = f'<div role="status">{_said(_outcome(words, now, chosen), now, level=2)}</div>'
    lead = f"<p>{filled(words.lead, sender=now.sender)}</p>"
    if now.client and now.workspace is not None:
        lead = f"<p>{filled(words.lead_client, sender=now.sender, workspace=now.workspace)}</p>{lead}"
    data = f"d/{to.removeprefix('p/')}"
    link = f'<p><a href="{_action(data, code)}">{filled(words.data_link, sender=now.sender)}</a></p>'
    return _page(code, title, f"{told}{lead}{_in_force(words, now)}{_form(words, now, code, to)}{link}")


def data_page(code: str, now: AskedFor, to: str, *, done: bool) -> str:
    """What a person may ask about their data, and what they asked for. `done`: just now."""
    words = languages()[code]
    told = f'<div role="status"><p>{filled(words.data_asked)}</p></div>' if done else ""
    buttons, waits = [], []
    for kind, label, about, open_ in (
        (ACCESS, words.data_copy, words.data_copy_about, words.data_copy_open),
        (ERASURE, words.data_forget, words.data_forget_about, words.data_forget_open),
    ):
        due = now.open.get(RequestKind(kind))
        if due is None:
            buttons.append(_button(kind, filled(label), filled(about, sender=now.sender)))
        else:
            waits.append(f"<li>{filled(open_, due=due.isoformat())}</li>")
    if now.unsold_since is None:
        about = filled(words.data_unsold_about, sender=now.sender)
        buttons.append(_button(SALE_OPT_OUT, filled(words.data_unsold), about))
    else:
        waits.append(f"<li>{filled(words.data_unsold_now, due=now.unsold_since.isoformat())}</li>")
    listed = f"<ul>{''.join(waits)}</ul>" if waits else ""
    form = f'<form method="post" action="{_action(to, code)}">{"".join(buttons)}</form>' if buttons else ""
    about = f"<p>{filled(words.data.about, sender=now.sender)}</p>"
    return _page(code, filled(words.data.title, sender=now.sender), f"{told}{about}{listed}{form}")


def confirmation_page(code: str, now: InForce, to: str, wording: str | None) -> str:
    """What is to be confirmed, in the words that were kept of it, and the button that does; of a client it is named."""
    words = languages()[code]
    button = f'<button class="first">{filled(words.confirm_button)}</button>'
    form = f'<form method="post" action="{_action(to, code)}">{button}</form>'
    said = words.confirm if now.workspace is None else words.confirm_client
    stopped = ""
    if now.goes_on:
        by = now.workspace if now.of_workspace else now.sender
        stopped = f"<p>{filled(words.confirm_goes_on, sender=by)}</p>"
    elif now.workspace is not None and now.everything and not now.asked:
        stopped = f"<p>{filled(words.confirm_ends, sender=now.sender, workspace=now.workspace)}</p>"
    agreed = ""
    if wording is not None:
        lead = f"<p>{filled(words.confirm_wording, sender=now.workspace or now.sender)}</p>"
        agreed = f'{lead}<blockquote dir="auto">{escape(wording)}</blockquote>'
    body = f"{_about(said, now)}{agreed}{stopped}{form}"
    return _page(code, _title(said, now), body)


def confirmed_page(code: str, now: InForce) -> str:
    """It is confirmed; and what they stopped all the same, where that goes on."""
    words = languages()[code]
    said = words.confirmed if now.workspace is None else words.confirmed_client
    besides = ""
    if now.workspace is not None and now.of_workspace:
        said, now = words.confirmed_goes_on, now._replace(sender=now.workspace)
    elif now.asked:
        besides = f"<p>{filled(words.confirmed_others, sender=now.sender)}</p>"
    elif now.everything:
        said = words.confirmed_goes_on
    elif now.elsewhere:
        besides = f"<p>{filled(words.now_elsewhere, sender=now.sender)}</p>"
    body = f'<div role="status">{_about(said, now)}{besides}</div>'
    return _page(code, _title(said, now), body)


def done_page(code: str) -> str:
    """What a mail program is answered, which nobody reads: short."""
    said = languages()[code].done
    return _page(code, filled(said.title), f"<p>{filled(said.about)}</p>")


def problem_page(code: str, problem: str, to: str | None) -> str:
    """What went wrong, by the code of the problem; with a button to stop everything where the link is good (`to`)."""
    words = languages()[code]
    if to is None and problem == "rate-limited":  # its words speak of the button
        problem = "unavailable"
    known = _TOLD_AS.get(problem, problem).replace("-", "_")
    said: Said = getattr(words.problems, known) if known in SHOWN else words.problems.other
    again = ""
    if to is not None:
        button = _button(EVERYTHING, filled(words.stop_unnamed), first=True)
        again = f'<form method="post" action="{_action(to, code)}">{button}</form>'
    return _page(code, filled(said.title), f"<p>{filled(said.about)}</p>{again}")


def answer(html: str, code: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A page as it is sent."""
    sent = {**HEADERS, "content-language": code, **(headers or {})}
    return Response(html, status, sent, "text/html; charset=utf-8")


def style() -> Response:
    """The style sheet of these pages."""
    headers = {"x-content-type-options": "nosniff", "cache-control": "max-age=3600"}
    return Response(STYLE, media_type="text/css", headers=headers)


SHOWN: Final = frozenset(
    {"link_unusable", "confirmation_over", "body_invalid", "rate_limited", "unavailable"}
)
"""Problems that have words of their own."""
_TOLD_AS: Final = {"outcome-unknown": "unavailable", "contention": "unavailable"}
"""Where nobody knows whether it was entered, saying it again does no harm."""


def _outcome(words: Words, now: InForce, chosen: str) -> Said:
    """What became of a choice: what is stopped wholly is not stopped less by a button that stops more."""
    if chosen in (EVERYTHING, OBJECTION):
        return words.done
    if now.everything and not now.asked:
        return words.stays
    of_workspace = chosen in (OF_WORKSPACE, LESS_WORKSPACE)
    return words.done if (now.of_workspace if of_workspace else now.of_campaign_type) else words.unchanged


def _in_force(words: Words, now: InForce) -> str:
    names = {"sender": now.sender, "workspace": now.workspace, "campaign_type": now.campaign_type}
    told = [
        filled(text, **names)
        for text, holds in (
            (words.now_everything, now.everything),
            (words.now_asked, now.asked and not now.of_workspace),
            (words.now_others, now.others),
            (words.now_objected, now.objected),
            (words.now_workspace, now.of_workspace and now.workspace is not None),
            (words.now_campaign_type, now.of_campaign_type),
            (words.now_elsewhere, now.elsewhere and not now.everything),
            (words.now_rest, (now.of_workspace or now.of_campaign_type) and not now.everything),
        )
        if holds
    ]
    items = "".join(f"<li>{one}</li>" for one in told or [filled(words.now_nothing)])
    return f'<section aria-labelledby="now"><h2 id="now">{filled(words.now)}</h2><ul>{items}</ul></section>'


def _form(words: Words, now: InForce, code: str, to: str) -> str:
    """One form, a button for each choice that would change something."""
    buttons = []
    if not now.everything or now.asked or now.others:
        label = filled(words.stop, sender=now.sender)
        buttons.append(_button(EVERYTHING, label, filled(words.stop_about), first=True))
        free = not now.everything or now.asked
        if free and now.workspace is not None and not now.of_workspace:
            label = words.also_workspace if now.asked else words.only_workspace
            buttons.append(_button(OF_WORKSPACE, filled(label, workspace=now.workspace)))
    if not now.everything and now.campaign_type is not None and not now.of_campaign_type:
        label = filled(words.only_campaign_type, campaign_type=now.campaign_type)
        buttons.append(_button(OF_CAMPAIGN_TYPE, label))
    if not now.objected:
        buttons.append(_button(OBJECTION, filled(words.object), filled(words.object_about)))
    buttons += _less(words, now)
    if not buttons:
        return ""
    return (
        f'<section aria-labelledby="choose"><h2 id="choose">{filled(words.choose)}</h2>'
        f'<form method="post" action="{_action(to, code, now.narrows)}">{"".join(buttons)}</form></section>'
    )


def _less(words: Words, now: InForce) -> list[str]:
    """Buttons that leave less stopped than all mail, with what goes on then: never the one that Enter presses."""
    if now.narrows is None:
        return []
    names = {"sender": now.sender, "workspace": now.workspace, "campaign_type": now.campaign_type}
    return [
        _button(choice, filled(label, **names), filled(about, **names))
        for choice, name, label, about in (
            (LESS_WORKSPACE, now.workspace, words.less_workspace, words.less_workspace_about),
            (
                LESS_CAMPAIGN_TYPE,
                now.campaign_type,
                words.less_campaign_type,
                words.less_campaign_type_about,
            ),
        )
        if name is not None
    ]


def _button(choice: str, label: str, about: str = "", *, first: bool = False) -> str:
    """A button; what is to be said about it follows, and is read with it."""
    marks = (' class="first"' if first else "") + (f' aria-describedby="about-{choice}"' if about else "")
    told = f'<p class="about" id="about-{choice}">{about}</p>' if about else ""
    return f'<button name="choice" value="{choice}"{marks}>{label}</button>{told}'


def _said(said: Said, now: InForce, *, level: int) -> str:
    return f"<h{level}>{_title(said, now)}</h{level}>{_about(said, now)}"


def _title(said: Said, now: InForce) -> str:
    return filled(said.title, sender=now.sender, workspace=now.workspace)


def _about(said: Said, now: InForce) -> str:
    return f"<p>{filled(said.about, sender=now.sender, workspace=now.workspace)}</p>"


def _action(to: str, code: str, seen: int | None = None) -> str:
    """Beside the page's own address, so that it also holds behind a proxy that puts a path before ours."""
    return escape(f"../{to}?lang={code}" + ("" if seen is None else f"&{SEEN}={seen}"))


def _page(code: str, title: str, body: str) -> str:
    others = "".join(
        f'<li><a href="?lang={one}" hreflang="{one}" lang="{one}">{filled(words.language)}</a></li>'
        for one, words in languages().items()
        if one != code
    )
    nav = f'<nav aria-label="{filled(languages()[code].languages)}"><ul>{others}</ul></nav>'
    return (
        f'<!doctype html><html lang="{code}"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="stylesheet" href="..{STYLE_ADDRESS}"></head>'
        f"<body><main><h1>{title}</h1>{body}</main>{nav}</body></html>"
    )
