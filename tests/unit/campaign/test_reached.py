"""What a reader gets at: a link that leads where it says, and addresses that are whole."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from application.templates import read
from domain.campaign.checking import TokensMissing
from domain.campaign.commands import RequestApproval
from domain.campaign.content import CampaignContent, as_law_sees
from domain.campaign.events import CampaignContentWritten
from domain.campaign.reached import reached
from domain.campaign.tokens import REQUIRED
from domain.kernel.text import legible
from domain.law.content import Element, Requirement
from tests.support.campaigns import AUTHOR, BODY, CAMPAIGN, HTML, LINK, WORKSPACE, content, written
from tests.support.reviewing import campaign, refused

URL = "{{ unsubscribe_url }}"
OF_LINKS = ("{{ unsubscribe_url }}", "{{ preferences_url }}")


@pytest.mark.parametrize("url", OF_LINKS)
@pytest.mark.parametrize(
    "html",
    [
        '<a href="URL">Stop</a>',
        '<a href=" URL\n">Stop</a>',
        "<A class='x' HREF=URL>Stop</A>",
        '<a href="https://x.example">x</a> or <a href="URL"><b>Stop</b></a>',
        '<a {% if title %}class="b"{% endif %} href="URL">Stop</a>',
        '{% if title %}<p>x</p>{% endif %}<a href="URL">Stop{% if title %}, {{ title }}{% endif %}</a>',
    ],
)
def test_a_link_is_the_token_alone(html: str, url: str) -> None:
    assert read(html.replace("URL", url), "/html", html=True).shown


@pytest.mark.parametrize("url", OF_LINKS)
@pytest.mark.parametrize(
    "html",
    [
        "URL",
        '<a href="URLx">Stop</a>',
        '<a href="xURL">Stop</a>',
        '<a href="URL/">Stop</a>',
        '<a href="https://evil.example?u=URL">Stop</a>',
        '<a href="//evil.example/URL">Stop</a>',
        '<a href="mailto:URL">Stop</a>',
        '<a href="javascript:URL">Stop</a>',
        '<a href="JaVaScRiPt:void(0)//URL">Stop</a>',
        '<a href="#" data-u="URL">Stop</a>',
        '<a href="https://evil.example" href="URL">Stop</a>',
        '<a href="https://evil.example" title="URL">Stop</a>',
        '<a href="URL\u200b">Stop</a>',
        '<a href="URL&nbsp;">Stop</a>',
        '<a href="URL{{ first_name }}">Stop</a>',
        '<a href="{% if title %}x{% endif %}URL">Stop</a>',
        '<a href="{% unless title %}x{% endunless %}URL">Stop</a>',
        '<a href="URL{% if title == 1 %}x{% endif %}">Stop</a>',
        '<a {% if title == 1 %}href="//evil.example" {% endif %}title="x">Stop</a>',
        '<a href="URL">\u200b</a>',
        '<a href="URL">\u3164\u2800</a>',
        '<a href="URL">{% if title %}Stop{% endif %}</a>',
        '<form action="URL"><button>Stop</button></form>',
        '<map><area href="URL" alt="Stop"></map>',
        '<img src="URL" alt="Stop">',
        '<button formaction="URL">Stop</button>',
    ],
)
def test_what_leads_nowhere_or_elsewhere_is_no_link(html: str, url: str) -> None:
    assert read(html.replace("URL", url), "/html", html=True).shown == frozenset()


@pytest.mark.parametrize(
    ("text", "leads"),
    [
        ("URL", True),
        ("Stop: URL\nBye", True),
        ("Stop (<URL>).", True),
        ("Stop at URL, or write.", True),
        ("{% if title %}x{% endif %}\nURL", True),
        ("URLx", False),
        ("xURL", False),
        ("Stop:URL", False),
        ("https://evil.example?u=URL", False),
        ("mailto:URL", False),
        ("URL{{ first_name }}", False),
        ("URL{% unless title %}x{% endunless %}", False),
        ("URL/x", False),
        ("URL\u200b", False),
    ],
)
def test_in_a_text_a_link_stands_between_blanks(text: str, *, leads: bool) -> None:
    assert ("unsubscribe_url" in read(text.replace("URL", URL), "/text").shown) is leads


@pytest.mark.parametrize(
    ("field", "words", "body", "there"),
    [
        ("unsubscribe_email", "stop@a.example", "Write to stop@a.example.", True),
        ("unsubscribe_email", "stop@a.example", "邮箱:stop@a.example", True),
        ("unsubscribe_email", "stop@a.example", "nonstop@a.example", False),
        ("unsubscribe_email", "stop@a.example", "stop@a.example.evil", False),
        ("unsubscribe_email", "stop@a.example", '<a href="mailto:stop@a.example?subject=x">Stop</a>', True),
        ("unsubscribe_email", "stop@a.example", '<a href="mailto:xstop@a.example">Stop</a>', False),
        ("unsubscribe_email", "stop@a.example", '<a href="//b.example/?stop@a.example">Stop</a>', False),
        ("contact_web", "a.example", "See https://a.example/contact", True),
        ("contact_web", "a.example", "https://b.example/?u=a.example", False),
        ("contact_web", "a.example", '<a href="https://a.example/x">Us</a>', True),
        ("contact_web", "a.example", '<a href="https://b.example/a.example">Us</a>', False),
        ("contact_phone", "+49 30 1", "Tel.+49 30 1", True),
        ("contact_phone", "+49 30 1", '<a href="tel:+49 30 1">Call</a>', True),
        ("contact_phone", "+49 30 1", '<a href="//b.example/+49 30 1">Call</a>', False),
        ("postal_address", "1 Saw Street", '<a href="//b.example/1 Saw Street">x</a>', False),
        ("postal_address", "1 Saw Street", '<a href="//b.example">1 Saw Street</a>', True),
    ],
)
def test_words_are_read_and_ways_to_write_are_whole(
    field: str, words: str, body: str, *, there: bool
) -> None:
    assert reached(body, html="<" in body).tells(field, words) is there


@pytest.mark.parametrize(
    "bent", [f"{URL}x", f"https://evil.example?u={URL}", f"javascript:{URL}", f"mailto:{URL}"]
)
def test_a_message_with_a_bent_link_gets_no_yes(bent: str) -> None:
    """Nor does the law find a way out in it, unless there is an address to write to."""
    html = HTML.replace(LINK, f'<a href="{bent}">Stop</a>')
    refusal = refused(written(html=html), RequestApproval(), TokensMissing, actor=AUTHOR)
    assert refusal.extra["missing"] == ["unsubscribe_url"]
    assert "the whole `href`" in refusal.detail
    alone: dict[str, Any] = {
        "unsubscribe_email": None,
        "text": None,
        "html": html.replace(" or {{ unsubscribe_email }}", ""),
    }
    checked = campaign(written(**alone)).checked
    assert checked is not None
    assert "unsubscribe_mechanism" in {one.element for one in checked.missing}
    checked = campaign(written(html=html, text=None)).checked
    assert checked is not None
    assert "unsubscribe_mechanism" not in {one.element for one in checked.missing}


def test_a_text_that_was_written_under_an_easier_reading_is_read_anew() -> None:
    world = written()
    bent = HTML.replace(LINK, f'<a href="{URL}x">Stop</a>')
    kept = campaign(world).content
    assert kept is not None
    event = CampaignContentWritten(
        campaign_id=CAMPAIGN,
        workspace_id=WORKSPACE,
        content=kept.model_copy(update={"html": bent}),
        shown=REQUIRED,
        author=next(iter(campaign(world).authors)),
    )
    world.happened("campaign", CAMPAIGN, event)
    refused(world, RequestApproval(), TokensMissing, actor=AUTHOR)


NAMED = {
    "sender_name": Element.SENDER_NAME,
    "on_whose_behalf": Element.ON_WHOSE_BEHALF,
    "postal_address": Element.POSTAL_ADDRESS,
    "contact_email": Element.CONTACT_CHANNEL,
    "unsubscribe_email": Element.STOP_ADDRESS,
    "processing_purpose": Element.PROCESSING_PURPOSE,
    "data_source": Element.DATA_SOURCE,
    "consent_purpose": Element.CONSENT_PURPOSE,
}


@pytest.mark.parametrize("nothing", ["\u200b", "\u3164", "\u2800", "-", "…"])
@pytest.mark.parametrize("field", NAMED)
def test_what_names_nobody_is_no_element(field: str, nothing: str) -> None:
    """Neither as it is given nor as it was kept by an earlier version."""
    if not legible(nothing):
        with pytest.raises(ValidationError):
            content(**{field: nothing})
    given: dict[str, Any] = {"subject": "x", "text": BODY, field: nothing}
    seen = as_law_sees(CampaignContent.model_validate(given), frozenset({"company.name", "company.address"}))
    wanted = Requirement.model_validate(
        {
            "id": "x.y",
            "element": NAMED[field],
            "applies_to": ["marketing"],
            "cites": "Art. 1",
            "confidence": "T",
            "checked": date(2026, 11, 22),
            "not_looked_up": ["date"],
            "about": "It says who sends it.",
            "remedy": "Say who sends it.",
        }
    )
    assert not wanted.is_met(seen)


OUT = '<a href="{{ unsubscribe_url }}">Stop</a>'


@pytest.mark.parametrize(
    "html",
    [
        '{% if first_name == "Bob" %}<div hidden>{% endif %}' + OUT,
        '{% if email contains "gmail" %}<!--{% endif %}' + OUT,
        "{% if title %}</div>{% endif %}" + OUT,
        "{% if first_name %}{% if title %}<p>x</p>{% else %}<p>{% endif %}{% endif %}" + OUT,
        "{% unless title %}<style>a { display: none }</style>{% endunless %}" + OUT,
        "{% case title %}{% when 'Dr' %}<textarea></textarea>{% endcase %}" + OUT,
        '<a {% if employer == "Acme" %}href="https://x.example"{% endif %} href="{{ unsubscribe_url }}">Stop</a>',
        "<div {{ first_name }}>" + OUT + "</div>",
        "<p class={{ title }}>" + OUT + "</p>",
        "<{{ first_name }}>" + OUT,
        "<div {% if title %}hidden{% endif %}>" + OUT + "</div><p>q&#2;1 1&#2;q</p>",
        "<div hidden>" + OUT + '</div><a href="~17~">Stop</a>',
        "<noscript><!--</noscript><div hidden><noscript>--></noscript>" + OUT,
        "<div>{% if title %}<span title='<!-- '><div><span title=' -->'>t</span>{% endif %}"
        "{% if employer %}<span title='<!-- '><div hidden><span title=' -->'>t</span>{% endif %}</div>" + OUT,
        "{% if title %}<!-- a -- ><div>--></div>{% endif %}" + OUT,
        '<a href="{{ unsubscribe_url }}"><img src="{% unless title == 1 %}x{% endunless %}" alt=""></a>',
        '<div style{% unless title == 1 %} class="a" {% endunless %}="display:none">' + OUT + "</div>",
        "<style></{% unless title == 1 %}x{% endunless %}style><div hidden></style>" + OUT,
        "<style><{% unless title == 1 %}x{% endunless %}/style><div hidden></style>" + OUT,
        "<style></s{% unless title == 1 %}x{% endunless %}{% unless title %}y{% endunless %}tyle><div hidden></style>"
        + OUT,
        "<!-- -{% unless title == 1 %}{% endunless %}{% unless title == 1 %}x{% endunless %}-><div hidden> -->"
        + OUT,
        "<template><noscript></template></noscript>" + OUT,
        "<!-- -{% unless title == 1 %}x{% endunless %}-><div hidden> -->" + OUT,
        "<p>{% unless title == 1 %}x{% endunless %}</p><!{% unless title == 1 %}x{% endunless %}-- "
        + OUT
        + " -->",
        "<!x {% if title %}{% else %}>{% endif %}" + OUT,
        "<?x {% if title %}{% else %}>{% endif %}" + OUT,
        "<!-->{% if title %}<div hidden><!-- -->{% endif %}" + OUT,
        "{% if title %}<!-->{% endif %}<div hidden>{% if title %}-->{% endif %}" + OUT + "</div>",
        "{% if title %}<!-- --!><div hidden> -->{% endif %}" + OUT,
        '<a title="{% if title %} class=" hidden "{% endif %}" href="{{ unsubscribe_url }}">Stop</a>',
        '<div hid{% if title %}{% else %} class="x" {% endif %}den>' + OUT + "</div>",
        '<{% if title %}{% else %} class="x" {% endif %}div hidden>' + OUT + "</div>",
        "<{% if title %}div{% endif %}{% if employer %} hidden{% endif %}>" + OUT + "</div>",
        "<!-- x{% if title %}-{% endif %}{% if employer %}-{% endif %}> <div hidden> -->" + OUT,
        '<a href="{{ unsubscribe_url }}">{% if title %}<a href="https://x.example"></a>{% endif %}Stop</a>',
        "{% if title %}<body hidden></body>{% endif %}" + OUT,
        '{% if title %}{{ "<div hidden>" }}{% endif %}' + OUT,
        '{{ title | default: "<div hidden>" }}' + OUT,
        "<p>{{ title | truncate: 3, '<div hidden>' }}</p>" + OUT,
        '<div style="visibility:hidden"><p style="visibility:visible">{% if title %}<div></div>{% endif %}'
        + OUT,
        '<div style="font-size:0"><table><td style="font-size:9px">{% if title %}<td></td>{% endif %}' + OUT,
        '<a href="{{ unsubscribe_url }}"><img src="x" width="{{ title }}"></a>',
    ],
)
def test_what_some_are_shown_hides_the_way_out_from_nobody(html: str) -> None:
    assert read(html, "/html", html=True).shown == frozenset()


@pytest.mark.parametrize(
    "html",
    [
        "{% if title %}<p>Dear <b>{{ title }}</b></p>{% else %}<p>Hi<br></p>{% endif %}" + OUT,
        '<p class="{{ title }}" {% if title %}class="b" id=\'c\'{% endif %}>x</p>' + OUT,
        "<!-- {{ title }} -->" + OUT,
        "{% if title %}1 < 2{% endif %}" + OUT,
        '{{ title | default: "l\'équipe & co" }}' + OUT,
        '<p class="a {% if title %}b c{% endif %}">x</p>' + OUT,
        '<div style="font-size:0"><table><td style="font-size:9px">{% if title %}x{% endif %}' + OUT,
        "<table>{% if title %}<tr><td>x</td></tr>{% endif %}<tr><td>" + OUT + "</td></tr></table>",
        "<!--[if mso]>{{ title }}<![endif]-->" + OUT,
        '<!--[if mso]><v:rect href="{% if title %}//x.example/{{ title }}{% endif %}"/><![endif]-->' + OUT,
        "<title>{% if title %}{{ title }}, {% endif %}hello</title>" + OUT,
        "<style>p { {% if title %}color: red{% endif %} }</style>" + OUT,
        "<!--[if mso]><noscript><xml><o:PixelsPerInch>96</o:PixelsPerInch></xml></noscript><![endif]-->"
        + OUT,
        "{% if title %}<!--[if mso]><table><tr><td><![endif]--><p>x</p><!--[if mso]></td></tr></table><![endif]-->"
        "<![if !mso]><p>y</p><![endif]>{% endif %}" + OUT,
        "{% if title %}<!----- Offer -----><!--[if !mso]><!-- --><p>y</p><!--<![endif]-->{% endif %}" + OUT,
        "<img src=\"https://x.example/?c={{ employer | default: 'no-company' | url_encode }}\">" + OUT,
        "<p>{% if title %}<p>x</p>{% elsif employer %}{% if last_name %}<b>y</b>{% endif %}{% endif %}" + OUT,
    ],
)
def test_what_is_whole_by_itself_hides_nothing(html: str) -> None:
    assert "unsubscribe_url" in read(html, "/html", html=True).shown
