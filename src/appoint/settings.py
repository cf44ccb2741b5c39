"""Every setting there is: `APPOINT_*` variables, all with defaults. `appoint settings` lists them."""

import os
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


RATE = r"^[1-9][0-9]{0,8}/(second|minute|hour|day)$"
CommaSeparated = Annotated[list[str], NoDecode, BeforeValidator(_split)]


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="APPOINT_",
        env_file=".env",
        env_ignore_empty=True,
        secrets_dir=os.environ.get(
            "APPOINT_SECRETS_DIR"
        ),  # files named as the variables are, such as container platforms mount
        extra="ignore",
        validate_default=True,
    )

    database_url: SecretStr | None = Field(
        default=None,
        description="PostgreSQL 18 or newer, as postgresql://user:password@host/database; none: an embedded server in the data directory",
    )
    data_dir: Path = Field(
        default=Path(".appoint"), description="where the embedded database, its log and the administrator's token live"
    )
    host: str = Field(default="127.0.0.1", description="address the server listens on")
    port: int = Field(default=8000, ge=0, le=65535, description="port the server listens on; 0 takes any free one")
    workers: int = Field(default=1, ge=1, le=64, description="server processes")
    admin_token: SecretStr | None = Field(
        default=None,
        description="bearer token of the platform's administrator; made and printed at first start when not given",
    )
    mode: Literal["development", "production"] = Field(
        default="development",
        description="production: what has no provider is not sent, and the development pages are not there",
    )
    public_url: str = Field(
        default="",
        pattern=r"^(https?://[^\s/?#]+)?$",
        description="where people reach the server, for links in messages; none: the address it listens on",
    )
    secret_key: SecretStr | None = Field(
        default=None,
        description="signs links in messages, the same for all servers and workers; made and kept in the data directory when not given",
    )
    cache_url: SecretStr | None = Field(
        default=None, description="redis://host:port/number; none: each process caches for itself"
    )
    cors_origins: CommaSeparated = Field(
        default=[], description="comma-separated origins whose pages may call the API; empty: none"
    )
    trusted_proxies: CommaSeparated = Field(
        default=["127.0.0.1", "::1"],
        description="comma-separated addresses or networks of reverse proxies, whose X-Forwarded-For and X-Forwarded-Proto are believed",
    )
    pool_size: int = Field(default=10, ge=1, le=500, description="database connections per process")
    pool_timeout_seconds: float = Field(
        default=5, gt=0, description="how long a request waits for a connection before it is answered 503"
    )
    statement_timeout_seconds: float = Field(
        default=15, gt=0, description="after this the database cancels a statement"
    )
    shutdown_seconds: int = Field(
        default=20, ge=1, description="how long running requests may take to end after SIGTERM"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="least severe log line written"
    )
    log_format: Literal["auto", "json", "console"] = Field(
        default="auto", description="auto: readable in a terminal, JSON elsewhere"
    )
    otlp_endpoint: str | None = Field(
        default=None, description="http(s) base address of an OpenTelemetry collector; none: no traces leave"
    )
    smtp_url: SecretStr | None = Field(
        default=None,
        description="mail server: smtp://user:password@host:587 (STARTTLS where offered), smtps://…:465 (TLS); none: development's mailbox at /dev/mailbox",
    )
    mail_from: str = Field(
        default="appointments@localhost.localdomain",
        description="address that mails come from; the clinic's name stands before it",
    )
    mails_per_second: int = Field(
        default=20, ge=1, le=1000, description="mails that the mail server takes a second, from all workers together"
    )
    sms_url: SecretStr | None = Field(
        default=None,
        description="Twilio or a gateway that is compatible: https://account:token@api.twilio.com; none: development's mailbox",
    )
    sms_from: str = Field(default="Appoint", description="number or name that text messages come from")
    sms_per_second: int = Field(
        default=10,
        ge=1,
        le=1000,
        description="text messages that the gateway takes a second, from all workers together",
    )
    reminder_spread_minutes: int = Field(
        default=60, ge=1, le=720, description="reminders leave up to so much earlier, so that not all leave at once"
    )
    broker_url: SecretStr | None = Field(
        default=None,
        description="nats://… (JetStream) or amqp://… (RabbitMQ) to publish every event to; none: no broker",
    )
    webhook_private_addresses: bool = Field(
        default=False, description="whether webhooks may point at private and loopback addresses; for tests"
    )
    event_log_days: int = Field(
        default=30, ge=1, le=3650, description="how long told events and deliveries of webhooks are kept, for replays"
    )
    session_idle_minutes: int = Field(
        default=60, ge=1, le=1440, description="a session that nobody uses for so long has ended"
    )
    session_hours: int = Field(default=12, ge=1, le=720, description="the longest that anybody stays signed in")
    oidc_issuer: str | None = Field(
        default=None,
        description="OpenID provider whose tokens staff may come with, as its tokens name it, such as https://login.example.org/realms/clinics; none: nobody's",
    )
    oidc_audience: str | None = Field(
        default=None, description="what the provider's tokens for Appoint have as their audience (aud)"
    )
    oidc_algorithms: CommaSeparated = Field(
        default=["RS256", "ES256", "EdDSA"],
        description="comma-separated algorithms that the provider's tokens may be signed with",
    )
    oidc_roles_claim: str = Field(
        default="roles",
        description="claim that the provider's roles are in, or the dotted path to it, such as realm_access.roles",
    )
    oidc_roles: CommaSeparated = Field(
        default=[],
        description="comma-separated, what they are here: claim-value=role:clinic, claim-value=doctor:clinic:doctorId or claim-value=administrator",
    )
    hold_minutes: int = Field(
        default=10, ge=1, le=120, description="how long a held time stays held before it must be confirmed"
    )
    rate_limits: bool = Field(
        default=True, description="whether requests are limited; off is for load tests, and not for production"
    )
    requests_rate: str = Field(
        default="240/minute",
        pattern=RATE,
        description="what anyone may ask from one address (an IPv6 network of 64 bits), as number/second, minute, hour or day",
    )
    search_rate: str = Field(
        default="60/minute",
        pattern=RATE,
        description="searches across clinics, from one address or by one who has signed in",
    )
    bookings_rate: str = Field(
        default="30/minute", pattern=RATE, description="bookings, from one address or by one who has signed in"
    )
    registrations_rate: str = Field(
        default="60/hour",
        pattern=RATE,
        description="registrations of customers, from one address or by one who has signed in",
    )
    sign_in_rate: str = Field(
        default="20/minute", pattern=RATE, description="requests that have to do with signing in, from one address"
    )
    signed_in_rate: str = Field(
        default="120/minute",
        pattern=RATE,
        description="what a patient who has signed in, or the holder of a manage-link, may ask",
    )
    partner_rate: str = Field(
        default="600/minute", pattern=RATE, description="what a partner system may ask whose key says nothing else"
    )
    appointments_per_customer: int = Field(
        default=20,
        ge=1,
        le=1000,
        description="appointments to come that a customer can have at a clinic without its staff",
    )
    holds_per_customer: int = Field(
        default=3, ge=1, le=1000, description="times that a customer can hold at a clinic without its staff"
    )
    request_seconds: int = Field(
        default=60, ge=1, le=600, description="how long a request may take altogether before it is answered 503"
    )

    @field_validator("rate_limits")
    @classmethod
    def _expect_limits(cls, value: bool, others: ValidationInfo) -> bool:  # noqa: FBT001  pydantic calls it so
        if not value and others.data.get("mode") == "production":
            raise ValueError("production mode needs limits")
        return value

    def model_post_init(self, _: object) -> None:
        self.data_dir = self.data_dir.expanduser().absolute()

    @property
    def session_idle(self) -> timedelta:
        return timedelta(minutes=self.session_idle_minutes)

    @property
    def links_url(self) -> str:
        """What links in messages begin with."""
        return self.public_url or f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


@cache
def get() -> Settings:
    """The settings of this process, read once."""
    return Settings()
