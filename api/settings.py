"""Settings: from the environment (`PENGUINMAILS_...`, `DATABASE_URL`), each documented in docs/configuration.md."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from ipaddress import ip_network
from pathlib import Path
from typing import Final, Literal, Self

from pydantic import AliasChoices, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from adapters.mirrors.settings import BucketSettings, read_buckets
from adapters.postgres.roles import Passwords, Role, address
from adapters.smtp.settings import SmtpSettings, smtp_settings
from adapters.stripe.own import served_settings
from adapters.stripe.settings import API as STRIPE_API
from adapters.stripe.settings import StripeSettings, read_settings
from adapters.witnesses.settings import WitnessAddress, read_witnesses
from domain.audit.errors import MalformedQuorum
from domain.audit.origins import NAME
from domain.audit.witnessing import Quorum

_WIDEST: Final = {4: 8, 6: 7}
"""Bits that name a network of proxies: 10.0.0.0/8 and fc00::/7, which are private, are the widest that one may own."""


class Settings(BaseSettings):
    """How this installation runs. Every process of it reads the same."""

    model_config = SettingsConfigDict(
        env_prefix="PENGUINMAILS_", frozen=True, ignored_types=(cached_property,)
    )

    data: Path = Field(
        default=Path("var"), description="Folder of everything this installation keeps; made 0700."
    )
    database_url: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("DATABASE_URL", "PENGUINMAILS_DATABASE_URL"),
        description="A Postgres of your own (15 or newer); without it the embedded one in the data folder is used.",
    )
    pg_bin: Path | None = Field(
        default=None,
        description="Folder of Postgres's own programs for the embedded server; without it they are looked for.",
    )
    pg_user: str | None = Field(
        default=None, description="User that the embedded Postgres runs as when this is started by root."
    )
    host: str = Field(default="127.0.0.1", description="Address the API listens on.")
    port: int = Field(default=8420, ge=0, le=65535, description="Port the API listens on.")
    public_url: str | None = Field(
        default=None,
        pattern=r"^(https://[^\s/?#@]+|http://(127\.0\.0\.1|localhost)(:[0-9]{1,5})?)(/[^\s?#]*)?$",
        description="Where people reach the links in mail, https://...; http:// on this machine, for development.",
    )
    trusted_proxies: str = Field(
        default="127.0.0.1",
        description="Addresses and networks, with commas, of proxies whose X-Forwarded-For is believed; empty: none.",
    )
    master_key: SecretStr | None = Field(
        default=None,
        description="64 hexadecimal digits that wrap the key store; without it a file in the data folder.",
    )
    broker_url: SecretStr | None = Field(
        default=None,
        description="amqp:// or redis:// of the job broker; without it the queue lives in Postgres.",
    )
    log_format: Literal["json", "console"] = Field(default="json", description="How log lines are written.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="From which level on."
    )
    otlp_endpoint: str | None = Field(
        default=None, description="OpenTelemetry collector (OTLP over HTTP); none: no traces."
    )
    max_body_bytes: int = Field(
        default=1_048_576, ge=1024, description="Largest body of one command, in bytes."
    )
    max_batch_bytes: int = Field(
        default=67_108_864, ge=1024, description="Largest body of one batch, in bytes."
    )
    max_line_bytes: int = Field(default=262_144, ge=1024, description="Longest line of a batch, in bytes.")
    max_upload_bytes: int = Field(
        default=1_073_741_824, ge=1024, description="Largest import file, in bytes."
    )
    min_position_wait: float = Field(
        default=2.0, ge=0, le=15, description="Seconds that a query waits at most for `min_position`."
    )
    analytics_memory_mb: int = Field(
        default=512,
        ge=128,
        description="Memory of DuckDB's buffers, in MB; the analytics process takes more.",
    )
    report_age_seconds: float = Field(
        default=10.0,
        ge=0,
        le=300,
        description="Seconds that a report may be older than the facts where no `min_position` asks for more.",
    )
    sql_seconds: float = Field(
        default=10.0, gt=0, le=60, description="Seconds that a query of an analyst may run."
    )
    sql_memory_mb: int = Field(
        default=256,
        ge=64,
        description="Memory of DuckDB for a query of an analyst, in MB; its process takes more.",
    )
    sql_rows: int = Field(
        default=10_000, ge=1, le=1_000_000, description="Rows of an answer to an analyst, at most."
    )
    sql_answer_mb: int = Field(
        default=16, ge=1, le=256, description="Size of an answer to an analyst, in MB, at most."
    )
    sql_per_tenant: int = Field(
        default=2, ge=1, description="Queries of analysts of one tenant at once, at most."
    )
    sql_at_once: int = Field(default=4, ge=1, le=64, description="Queries of analysts at once, at most.")
    wal_days: int = Field(
        default=7,
        ge=1,
        le=3650,
        description="Days after which no write-ahead log of the database, archived ones included, is kept.",
    )
    backup_days: int = Field(
        default=30,
        ge=0,
        le=3650,
        description="Days after which no backup, of the database or of the keys, is kept: certificates name the day.",
    )
    stripe_key: SecretStr | None = Field(
        default=None,
        description="Secret key of your Stripe account; without it the file secrets/stripe-key, if there is one.",
    )
    stripe_webhook_secrets: SecretStr | None = Field(
        default=None,
        description="Secrets of Stripe's webhook endpoint, with commas; without them secrets/stripe-webhook-secrets.",
    )
    stripe_url: str = Field(
        default=STRIPE_API,
        description="Where Stripe is; http://127.0.0.1 and a port for the one of our own, to develop.",
    )
    smtp_url: SecretStr | None = Field(
        default=None,
        description="Mail server of deliveries and letters: smtp://user:password@host:587, or smtps://; none: no mail.",
    )
    mail_from: str = Field(
        default="reports@localhost",
        max_length=254,
        pattern=r"^[^\s<>@]+@[^\s<>@]+$",
        description="Address that the mail of deliveries and letters comes from.",
    )
    deliveries: Path | None = Field(
        default=None,
        description="Folder that scheduled deliveries go below; without it deliveries in the data folder.",
    )
    ledger_name: str | None = Field(
        default=None,
        pattern=rf"^{NAME.pattern}$",
        description="What a new installation's checkpoints call it, such as ledger.example.com; never changed again.",
    )
    witnesses: str | None = Field(
        default=None,
        description="Witnesses of checkpoints: verifier key, space, address of each, with commas.",
    )
    witness_quorum: int | None = Field(
        default=None, ge=0, description="How many witnesses must cosign; without it more than half of them."
    )
    buckets: SecretStr | None = Field(
        default=None,
        description="Buckets that checkpoints may be posted to, as JSON; without it the file secrets/buckets.json.",
    )
    checkpoints_noted_minutes: int = Field(
        default=60,
        ge=1,
        le=1440,
        description="Minutes from one noting of all logs' checkpoints in the platform's log to the next.",
    )
    webhook_loopback: bool = Field(
        default=False, description="Whether webhooks may be sent to this machine: for development alone."
    )

    @field_validator("trusted_proxies")
    @classmethod
    def _are_addresses(cls, text: str) -> str:
        """Addresses and networks alone: whoever is believed says where a person's proof of consent came from."""
        proxies = [one.strip() for one in text.split(",") if one.strip()]
        for one in proxies:
            try:
                network = ip_network(one)
            except ValueError:
                raise ValueError("name IP addresses, or networks as 10.0.0.0/24, with commas") from None
            if network.prefixlen < _WIDEST[network.version]:
                raise ValueError(
                    "name the proxies: whoever sends would be believed, and their proof worth nothing"
                )
        return ",".join(proxies)

    @field_validator("buckets")
    @classmethod
    def _are_buckets(cls, told: SecretStr | None) -> SecretStr | None:
        if told is not None:
            read_buckets(Path(), told.get_secret_value())
        return told

    @field_validator("smtp_url")
    @classmethod
    def _is_mail_server(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None:
            smtp_settings(url.get_secret_value(), "")
        return url

    @model_validator(mode="after")
    def _are_witnesses(self) -> Self:
        _ = self.quorum
        return self

    @property
    def witness_addresses(self) -> tuple[WitnessAddress, ...]:
        """Who is asked to cosign, and where."""
        return read_witnesses(self.witnesses or "")

    @property
    def quorum(self) -> Quorum:
        """Whose cosignatures are asked for, and how many."""
        try:
            return Quorum.of([one.key for one in self.witness_addresses], self.witness_quorum)
        except MalformedQuorum as error:
            raise ValueError(error.detail) from None

    @property
    def root(self) -> Path:
        """The data folder, absolute."""
        return self.data.expanduser().absolute()

    @property
    def keys_folder(self) -> Path:
        """Where the key store lives: back it up apart from the database."""
        return self.root / "keys"

    @property
    def master_key_bytes(self) -> bytes | None:
        """The master key; None where it is a file of the key store."""
        return None if self.master_key is None else bytes.fromhex(self.master_key.get_secret_value())

    @property
    def blobs_folder(self) -> Path:
        """Where uploads and error files lie, sealed."""
        return self.root / "blobs"

    @property
    def deliveries_folder(self) -> Path:
        """Where scheduled deliveries go."""
        return (
            self.root / "deliveries" if self.deliveries is None else self.deliveries.expanduser().absolute()
        )

    @property
    def smtp(self) -> SmtpSettings | None:
        """How the mail server is reached; None: there is none."""
        if self.smtp_url is None:
            return None
        return smtp_settings(self.smtp_url.get_secret_value(), self.mail_from)

    @cached_property
    def bucket_settings(self) -> Mapping[str, BucketSettings]:
        """How buckets are reached, by the names that postings call them. Raises `BucketsMisconfigured`."""
        given = None if self.buckets is None else self.buckets.get_secret_value()
        return read_buckets(self.root / "secrets", given)

    @property
    def olap_folder(self) -> Path:
        """Where the DuckDB file and its owner's socket are."""
        return self.root / "olap"

    @cached_property
    def passwords(self) -> Passwords:
        """The database roles' passwords."""
        return Passwords(self.root / "secrets" / "postgres.json")

    @cached_property
    def stripe_account(self) -> StripeSettings | None:
        """How the Stripe that somebody set up is reached. Raises `StripeMisconfigured`."""
        key, hooks = self.stripe_key, self.stripe_webhook_secrets
        return read_settings(
            self.root / "secrets",
            key=None if key is None else key.get_secret_value(),
            webhook_secrets=None if hooks is None else hooks.get_secret_value(),
            api=self.stripe_url,
        )

    @cached_property
    def stripe(self) -> StripeSettings | None:
        """How Stripe is reached: what somebody set up, else the one of our own that is served with a demo; or none."""
        return self.stripe_account or served_settings(self.root)

    @property
    def asks_own_stripe(self) -> bool:
        """Whether it is our own Stripe that is asked."""
        return self.stripe is not None and self.stripe_account is None

    def dsn(self, role: Role, server: str) -> str:
        """The address of the database for a role; `server` is any address of the same database."""
        return address(server, role, self.passwords)
