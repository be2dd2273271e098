"""Webhook endpoints: where events may be sent, which, and with which secrets."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from domain.kernel.errors import NotFound
from domain.kernel.ids import WebhookEndpointId, WebhookSecretId, derived_id
from domain.webhooks.address import wanted
from domain.webhooks.commands import (
    OVERLAP,
    ChangeWebhookEndpoint,
    ConfirmWebhookSecretDestroyed,
    CreateWebhookEndpoint,
    EndpointIdTaken,
    EndpointIsRemoved,
    NoSuchEvents,
    PauseFailingWebhook,
    PauseWebhookEndpoint,
    RangeBackwards,
    RemoveWebhookEndpoint,
    ResumeWebhookEndpoint,
    RotateWebhookSecret,
    RotationUnderWay,
    SecretStillSigns,
    replayed,
)
from domain.webhooks.endpoint import (
    Endpoint,
    NoEndpoint,
    WebhookEndpointChanged,
    WebhookEndpointCreated,
    WebhookEndpointPaused,
    WebhookEndpointRemoved,
    WebhookEndpointResumed,
    WebhookReplayAsked,
    WebhookSecretDestroyed,
    WebhookSecretRetired,
    WebhookSecretRotated,
    evolve,
)
from tests.support.given import NOW, TENANT, given, uid

ID = WebhookEndpointId(uid(90))
OLD, SECOND = WebhookSecretId(uid(91)), WebhookSecretId(uid(92))
FRESH = WebhookSecretId(derived_id(TENANT, "secret"))
URL = "https://example.com/hook"
CREATED = WebhookEndpointCreated(
    endpoint_id=ID, url=URL, events=["audience.*"], description=None, secret_id=OLD
)
PAUSED = WebhookEndpointPaused(endpoint_id=ID, reason="asked", failures=None)
FAILING = WebhookEndpointPaused(endpoint_id=ID, reason="failing", failures=100)
RESUMED = WebhookEndpointResumed(endpoint_id=ID)
REMOVED = WebhookEndpointRemoved(endpoint_id=ID)
ROTATED = WebhookSecretRotated(endpoint_id=ID, secret_id=FRESH)


def retired(secret: WebhookSecretId = OLD, after: timedelta = OVERLAP) -> WebhookSecretRetired:
    return WebhookSecretRetired(endpoint_id=ID, secret_id=secret, retires_at=NOW + after)


def create(**fields: Any) -> CreateWebhookEndpoint:
    return CreateWebhookEndpoint.model_validate({"url": URL, **fields})


def test_an_endpoint_is_made_once() -> None:
    made = CREATED.model_copy(update={"secret_id": FRESH})
    given().when(create(events=["audience.*"]), target=ID).then(made)
    given(CREATED).when(create(), target=ID).then(EndpointIdTaken)


def test_all_events_are_sent_unless_some_are_named() -> None:
    made = CREATED.model_copy(update={"secret_id": FRESH, "events": ["*"]})
    given().when(create(), target=ID).then(made)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/hook",
        "http://10.0.0.1/hook",
        "http://localhost.example.com",
        "ftp://example.com",
        "https://",
        "https://user:word@example.com",
        "https://example.com/#part",
        "https://example.com:99999",
        "https://example.com:0",
        "https://exämple.com",
        "https://exa mple.com",
        "https://[::1",
        "//example.com",
        "https://example.com/" + "a" * 2000,
        "",
    ],
)
def test_an_address_is_https(url: str) -> None:
    with pytest.raises(ValidationError):
        create(url=url)


@pytest.mark.parametrize("url", ["http://localhost:80/x", "http://127.0.0.9", "http://[::1]:8000/"])
def test_plain_http_is_for_this_machine_alone(url: str) -> None:
    assert create(url=url).url == url


@pytest.mark.parametrize("events", [[], ["audience"], ["audience.**"], ["Audience.x"], ["*.*"], ["a.b.c"]])
def test_a_filter_is_a_name_a_context_or_all(events: list[str]) -> None:
    with pytest.raises(ValidationError):
        create(events=events)


def test_a_filter_names_events_that_there_are() -> None:
    refusal = given().when(create(events=["audience.nothing", "audience.*", "no.*"]), target=ID)
    assert refusal.then(NoSuchEvents).extra == {"unknown": ["audience.nothing", "no.*"]}
    given().when(create(events=["audience.contact_created", "webhooks.*"]), target=ID).then(
        CREATED.model_copy(update={"secret_id": FRESH, "events": ["audience.contact_created", "webhooks.*"]})
    )


@pytest.mark.parametrize(
    ("filters", "name", "through"),
    [
        (["*"], "audience.contact_created", True),
        (["audience.*"], "audience.contact_created", True),
        (["audience.*"], "tenancy.member_joined", False),
        (["audience.contact_created"], "audience.contact_created", True),
        (["audience.contact_created"], "audience.contact_changed", False),
        (["tenancy.*", "audience.list_created"], "audience.list_created", True),
        (["*"], "webhooks.endpoint_changed", False),
        (["audience.*"], "webhooks.endpoint_changed", False),
        (["*", "webhooks.*"], "webhooks.endpoint_changed", True),
        (["*", "webhooks.endpoint_paused"], "webhooks.endpoint_paused", True),
        (["*", "webhooks.endpoint_paused"], "webhooks.endpoint_changed", False),
    ],
)
def test_what_a_filter_lets_through(filters: list[str], name: str, through: bool) -> None:  # noqa: FBT001
    assert wanted(filters, name) is through


def test_a_change_leaves_the_rest_as_it_is() -> None:
    change = ChangeWebhookEndpoint(url="https://example.org/")
    changed = WebhookEndpointChanged(
        endpoint_id=ID, url="https://example.org/", events=["audience.*"], description=None
    )
    given(CREATED).when(change, target=ID).then(changed)
    given(CREATED).when(ChangeWebhookEndpoint(url=URL), target=ID).then()
    given(CREATED).when(ChangeWebhookEndpoint(events=["x.y"]), target=ID).then(NoSuchEvents)
    given().when(change, target=ID).then(NotFound)


def test_a_description_stays_unless_it_is_told_and_null_clears_it() -> None:
    crm = CREATED.model_copy(update={"description": "CRM"})
    changed = WebhookEndpointChanged(endpoint_id=ID, url=URL, events=["audience.*"], description=None)
    given(crm).when(ChangeWebhookEndpoint(description=None), target=ID).then(changed)
    given(crm).when(ChangeWebhookEndpoint(url=URL), target=ID).then()
    billing = changed.model_copy(update={"description": "billing"})
    given(crm).when(ChangeWebhookEndpoint(description="billing"), target=ID).then(billing)
    with pytest.raises(ValidationError):
        ChangeWebhookEndpoint(description=" ")


def test_both_secrets_sign_until_the_overlap_ends() -> None:
    state = given(CREATED).when(RotateWebhookSecret(), target=ID).then(ROTATED, retired())
    assert [secret.secret_id for secret in state.signing(NOW + timedelta(hours=23))] == [OLD, FRESH]
    assert [secret.secret_id for secret in state.signing(NOW + OVERLAP)] == [FRESH]


def test_a_secret_that_its_door_kept_already_is_the_one_that_events_tell() -> None:
    made = CREATED.model_copy(update={"secret_id": SECOND, "events": ["*"]})
    given().when(create().keeping(SECOND), target=ID).then(made)
    rotated = WebhookSecretRotated(endpoint_id=ID, secret_id=SECOND)
    given(CREATED).when(RotateWebhookSecret().keeping(SECOND), target=ID).then(rotated, retired())


def test_a_third_secret_is_not_made_while_two_sign() -> None:
    rotated = (CREATED, WebhookSecretRotated(endpoint_id=ID, secret_id=SECOND), retired())
    given(*rotated).when(RotateWebhookSecret(), target=ID).then(RotationUnderWay)
    later = retired(SECOND, OVERLAP + OVERLAP)
    given(*rotated).when(RotateWebhookSecret(), target=ID, after=OVERLAP).then(ROTATED, later)


def test_after_a_leak_every_old_secret_stops_at_once() -> None:
    rotated = (CREATED, WebhookSecretRotated(endpoint_id=ID, secret_id=SECOND), retired())
    zero = timedelta()
    state = (
        given(*rotated)
        .when(RotateWebhookSecret(at_once=True), target=ID)
        .then(ROTATED, retired(OLD, zero), retired(SECOND, zero))
    )
    assert [secret.secret_id for secret in state.signing(NOW)] == [FRESH]


def test_a_secret_is_destroyed_when_it_retired_and_once() -> None:
    gone, confirm = (
        WebhookSecretDestroyed(endpoint_id=ID, secret_id=OLD),
        ConfirmWebhookSecretDestroyed(secret_id=OLD),
    )
    history = (CREATED, ROTATED, retired())
    given(CREATED).when(confirm, target=ID).then(SecretStillSigns)
    given(*history).when(confirm, target=ID).then(SecretStillSigns)
    state = given(*history).when(confirm, target=ID, after=OVERLAP).then(gone)
    assert [secret.secret_id for secret in state.secrets] == [FRESH]
    given(*history, gone).when(confirm, target=ID, after=OVERLAP).then()
    given(CREATED, REMOVED, retired(OLD, timedelta())).when(confirm, target=ID).then(gone)
    given().when(confirm, target=ID).then(NotFound)


def test_pausing_and_resuming() -> None:
    given(CREATED).when(PauseWebhookEndpoint(), target=ID).then(PAUSED)
    given(CREATED, PAUSED).when(PauseWebhookEndpoint(), target=ID).then()
    given(CREATED, PAUSED).when(ResumeWebhookEndpoint(), target=ID).then(RESUMED)
    given(CREATED).when(ResumeWebhookEndpoint(), target=ID).then()


def test_failures_pause_what_is_not_paused_already() -> None:
    command = PauseFailingWebhook(failures=100)
    given(CREATED).when(command, target=ID).then(FAILING)
    given(CREATED, PAUSED).when(command, target=ID).then()
    given(CREATED, REMOVED).when(command, target=ID).then()
    given(CREATED, FAILING).when(ResumeWebhookEndpoint(), target=ID).then(RESUMED)


def test_removing_is_for_good_and_retires_what_signs() -> None:
    end = (REMOVED, retired(OLD, timedelta()))
    given(CREATED).when(RemoveWebhookEndpoint(), target=ID).then(*end)
    given(CREATED, *end).when(RemoveWebhookEndpoint(), target=ID).then()
    for command in (ResumeWebhookEndpoint(), RotateWebhookSecret(), ChangeWebhookEndpoint(url=URL)):
        given(CREATED, *end).when(command, target=ID).then(EndpointIsRemoved)


def test_a_replay_is_of_a_range() -> None:
    state = evolve(NoEndpoint(), CREATED)
    assert isinstance(state, Endpoint)
    assert replayed(state, 3, 7) == WebhookReplayAsked(endpoint_id=ID, first=3, last=7)
    for first, last in ((7, 3), (0, 3)):
        with pytest.raises(RangeBackwards):
            replayed(state, first, last)
    with pytest.raises(EndpointIsRemoved):
        replayed(replace(state, removed=True), 1, 2)
