"""Which column fills which field."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.audience.intake import ColumnGuess, FileRefused, Mapping, guess_mapping, resolve_mapping
from domain.audience.intake.errors import TargetTwice, TooManyAttributes


def guessed(*headers: str, rows: tuple[tuple[str, ...], ...] = ()) -> dict[str, str]:
    return {guess.column: guess.target for guess in guess_mapping(headers, rows)}


@pytest.mark.parametrize(
    ("header", "target"),
    [
        ("E-Mail", "email"),
        ("EMAIL_ADDRESS", "email"),
        ("Correo electrónico", "email"),
        ("Courriel", "email"),
        ("Vorname", "first_name"),
        ("Prénom", "first_name"),
        ("Nombre", "first_name"),
        ("Nachname", "last_name"),
        ("Apellidos", "last_name"),
        ("Société", "company"),
        ("Firma", "company"),
        ("Teléfono", "phone"),
        ("Land", "country"),
        ("País", "country"),
        ("Opt-in IP", "opt_in_ip"),
        ("Opted in at", "opted_in_at"),
        ("Désabonné", "unsubscribed"),
        ("Email Status", "attribute:email_status"),
        ("# Employees", "attribute:employees"),
        ("Größe", "attribute:grosse"),
        ("???", "ignore"),
    ],
)
def test_names_of_columns(header: str, target: str) -> None:
    assert guessed(header) == {header: target}


def test_name_is_the_family_name_beside_a_first_name() -> None:
    assert guessed("Vorname", "Name") == {"Vorname": "first_name", "Name": "last_name"}
    assert guessed("Nom", "Prénom") == {"Nom": "last_name", "Prénom": "first_name"}
    assert guessed("Name") == {"Name": "full_name"}


def test_an_email_column_of_any_name_is_known_by_its_cells() -> None:
    rows = (("1", "ann@example.org"), ("2", ""), ("3", "bob@example.org"))
    guesses = guess_mapping(["nr", "how to reach"], rows)
    assert guesses[1] == ColumnGuess("how to reach", "email", 0.8, "by its cells")


def test_an_email_column_without_addresses_is_doubted() -> None:
    assert guess_mapping(["Email"], [["yes"], ["no"]])[0].confidence < 0.5


def test_empty_columns_are_ignored_and_second_ones_kept_as_attributes() -> None:
    assert guessed("Email", "Foo", rows=(("a@example.org", ""),))["Foo"] == "ignore"
    assert guessed("Phone", "Mobile", "Email") == {
        "Phone": "phone",
        "Mobile": "attribute:mobile",
        "Email": "email",
    }


def test_every_column_that_may_say_stop_is_heard() -> None:
    assert guessed("Unsubscribed", "Opt-out") == {"Unsubscribed": "unsubscribed", "Opt-out": "unsubscribed"}


def test_an_override_wins_and_takes_its_field_from_a_guess() -> None:
    guesses = guess_mapping(["Email", "Private Mail", "City"], [])
    override = Mapping(columns={"Private Mail": "email", "City": "attribute:town"}, timezone="Europe/Paris")
    mapping, columns = resolve_mapping(guesses, override)
    assert mapping.columns == {"Email": "ignore", "Private Mail": "email", "City": "attribute:town"}
    assert mapping.timezone == "Europe/Paris"
    assert [column.confidence for column in columns if column.column != "Email"] == [1.0, 1.0]


@pytest.mark.parametrize(
    ("columns", "code", "hint"),
    [
        ({"Emial": "email"}, "import-mapping-unknown-column", "Did you mean 'Email'?"),
        ({"City": "emial"}, "import-mapping-unknown-target", "Did you mean 'email'?"),
        ({"City": "attribute:Ünsafe"}, "import-mapping-unknown-target", "attribute:<name>"),
        ({"City": "notes", "Email": "notes"}, "import-mapping-target-twice", "'Email', 'City'"),
        ({"Email": "ignore"}, "import-mapping-email-missing", ""),
    ],
)
def test_overrides_that_do_not_fit_are_named(columns: dict[str, str], code: str, hint: str) -> None:
    with pytest.raises(FileRefused) as caught:
        resolve_mapping(guess_mapping(["Email", "City"], []), Mapping(columns=columns))
    assert caught.value.code == code
    assert hint in caught.value.detail


def test_attributes_are_as_many_as_a_contact_can_have() -> None:
    headers = ["Email", *(f"Field {number}" for number in range(60))]
    guesses = guess_mapping(headers, [])
    assert [guess.target for guess in guesses[40:42]] == ["attribute:field_39", "ignore"]
    with pytest.raises(FileRefused) as caught:
        resolve_mapping(guesses, Mapping(columns={name: f"attribute:{name[6:]}" for name in headers[1:]}))
    assert caught.value.code == "import-mapping-too-many-attributes"


def test_what_is_kept_among_the_attributes_counts_as_one() -> None:
    headers = ["Email", "Tags", "Notes", "Last purchase", *(f"Field {number}" for number in range(50))]
    most = {name: f"attribute:f{name[6:]}" for name in headers[4:]}
    with pytest.raises(TooManyAttributes):
        resolve_mapping(guess_mapping(headers, []), Mapping(columns=most))
    fewer = {**most, "Tags": "ignore", "Notes": "ignore", "Last purchase": "ignore"}
    resolve_mapping(guess_mapping(headers, []), Mapping(columns=fewer))


def test_two_columns_never_fill_one_attribute() -> None:
    guesses = guess_mapping(["Email", "Notes", "City"], [])
    with pytest.raises(TargetTwice):
        resolve_mapping(guesses, Mapping(columns={"Notes": "notes", "City": "attribute:notes"}))
    mapping, _ = resolve_mapping(guesses, Mapping(columns={"City": "attribute:notes"}))
    assert mapping.columns == {"Email": "email", "Notes": "ignore", "City": "attribute:notes"}


USUAL = st.sampled_from(
    ["Notes", "notes", "Tags", "Label", "Last purchase", "last_purchase_at", "Last-purchase-at"]
)


@given(st.lists(st.one_of(USUAL, st.text(max_size=8)), max_size=60, unique=True))
def test_what_is_guessed_is_a_mapping(headers: list[str]) -> None:
    resolve_mapping(guess_mapping(["E-mail", *headers], []), Mapping())


@pytest.mark.parametrize(
    "option",
    [
        {"date_order": "DYM"},
        {"timezone": "Mars/Base"},
        {"timezone": "../etc/passwd"},
        {"encoding": "klingon"},
        {"encoding": "base64"},
        {"delimiter": "x"},
        {"default_country": "Germany"},
        {"duplicates": "merge"},
        {"colums": {}},
    ],
)
def test_options_are_closed(option: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Mapping.model_validate(option)


def test_options_have_their_usual_spellings() -> None:
    mapping = Mapping.model_validate(
        {"encoding": "Latin-1", "delimiter": "semicolon", "duplicates": "update"}
    )
    assert (mapping.encoding, mapping.delimiter, mapping.duplicates) == ("windows-1252", ";", "update")
    assert Mapping.model_validate_json(mapping.model_dump_json()) == mapping
