"""Who lives in the demo: made-up people at reserved domains (RFC 2606), the same at every start."""

from __future__ import annotations

import csv
import io
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from domain.kernel.permissions import TenantRole
from domain.tenancy.plans import Plan
from domain.tenancy.tenant import SendsFor

_SEED: Final = 20_240_229


@dataclass(frozen=True, slots=True)
class Person:
    """A member to be."""

    name: str
    email: str
    role: TenantRole
    joins: bool = True


@dataclass(frozen=True, slots=True)
class Company:
    """A tenant to be. `workspaces` come beside the first one, which has the tenant's name."""

    name: str
    slug: str
    plan: Plan
    country: str
    owner: Person
    members: tuple[Person, ...] = ()
    workspaces: tuple[str, ...] = ()
    sends_for: SendsFor = SendsFor.ITSELF


AGENCY: Final = Company(
    "Fjord and Field Agency",
    "demo-agency",
    Plan.BUSINESS,
    "DE",
    Person("Zoë Ørsted", "zoe@fjordfield.example", TenantRole.OWNER),
    (
        Person("Łukasz Żak", "lukasz@fjordfield.example", TenantRole.ADMIN),
        Person("Олена Шевченко", "olena@fjordfield.example", TenantRole.CAMPAIGN_MANAGER),
        Person("北川 美咲", "misaki@fjordfield.example", TenantRole.COMPLIANCE_OFFICER),
        Person("Siobhán Ní Dhomhnaill", "siobhan@fjordfield.example", TenantRole.FINANCE_LEADER),
        Person("محمد الفارسي", "mohammed@fjordfield.example", TenantRole.VIEWER),
        Person("Ngũgĩ wa Kamau", "ngugi@fjordfield.example", TenantRole.MEMBER, joins=False),
    ),
    ("Harbour Coffee", "Larch Cycles", "Meridian Dental"),
    SendsFor.CLIENTS,
)
TEAM: Final = Company(
    "Kestrel Analytics",
    "demo-team",
    Plan.PROFESSIONAL,
    "DE",
    Person("Jürgen Weiß", "juergen@kestrel.example", TenantRole.OWNER),
    (
        Person("Thảo Nguyễn", "thao@kestrel.example", TenantRole.ADMIN),
        Person("Ἀλέξανδρος Παπάς", "alexandros@kestrel.example", TenantRole.CAMPAIGN_MANAGER, joins=False),
    ),
    ("Partners",),
)
SOLO: Final = Company(
    "Ada's Letters",
    "demo-solo",
    Plan.FREE,
    "GB",
    Person("Ada Okafor", "ada@letters.example", TenantRole.OWNER),
)
COMPANIES: Final = (AGENCY, TEAM, SOLO)

_FIRST: Final = (
    "Aïcha", "Björn", "Chloé", "Dmitri", "Esra", "Fernando", "Grete", "Hana", "Íñigo", "Jūratė", "Kwame", "Lærke",
    "Mái", "Noor", "Óscar", "Petra", "Quentin", "Ruža", "Şirin", "Tomáš", "Ulla", "Věra", "Wanjirũ", "Ximena",
    "Yūki", "Zsófia", "Анна", "Георги", "Ελένη", "משה", "ليلى", "佳穂", "지우", "अनिल", "সুমি", "ธิดา",
)  # fmt: skip
_LAST: Final = (
    "Ångström", "Brânză", "Čapek", "Đorđević", "Eğilmez", "Fløe", "García-Márquez", "Hőgyes", "Iversen", "Jansen",
    "Kovačić", "Lindqvist", "Müller", "Nowak", "O'Connor", "Pérez", "Quispe", "Rossi", "Søndergaard", "Tremblay",
    "Uğur", "van der Berg", "Wójcik", "Xanthopoulos", "Öztürk", "Žižka", "Иванова", "Петров", "Παππάς", "כהן", "حداد",
    "山本", "김", "शर्मा", "রহমান", "ศรีสุข",
)  # fmt: skip
_COUNTRIES: Final = (
    "Germany", "France", "United Kingdom", "United States", "Canada", "Norway", "Poland", "Spain", "Japan", "Kenya",
)  # fmt: skip
_TITLES: Final = ("CEO", "CFO", "Head of Marketing", "Buyer", "Owner", "Office Manager", "Engineer", "")
_SOURCES: Final = ("pricing form", "newsletter", "webinar", "trade fair", "referral", "purchase")
_HOSTS: Final = ("mail.example.com", "post.example.net", "office.example.org")
HEADER: Final = (
    "First Name", "Last Name", "Title", "Company", "Email", "Country", "Opted in at", "Opt-in source", "City",
)  # fmt: skip


def contacts_file(rows: int) -> bytes:
    """A CSV file of contacts, the same bytes each time; a few rows are faulty or repeated, as in real life."""
    chance = random.Random(_SEED)  # noqa: S311 - an example, and it must not change
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\r\n")
    out.writerow(HEADER)
    newest = datetime(2026, 9, 30, 16, 0, tzinfo=UTC)
    for number in range(rows):
        email = f"person.{number:04d}@{chance.choice(_HOSTS)}"
        if number % 97 == 42:  # noqa: PLR2004 - a fault now and then
            email = email.replace("@", " at ")
        if number % 131 == 77:  # noqa: PLR2004 - a repeat now and then
            email = f"person.{number - 7:04d}@mail.example.com"
        agreed = newest - timedelta(minutes=chance.randrange(60 * 24 * 900))
        out.writerow(
            (
                chance.choice(_FIRST),
                chance.choice(_LAST),
                chance.choice(_TITLES),
                f"Company {chance.randrange(400):03d} Ltd",
                email,
                chance.choice(_COUNTRIES),
                agreed.isoformat().replace("+00:00", "Z"),
                chance.choice(_SOURCES),
                chance.choice(("Bergen", "Köln", "Łódź", "Nairobi", "大阪", "Québec")),
            )
        )
    return text.getvalue().encode("utf-8")
