"""All settings: `APPOINT_*` variables with defaults. `appoint settings` lists them."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field, PositiveInt, SecretStr
from pydantic_settings import SettingsConfigDict

from .kit.audit_settings import AuditSettings
from .kit.backup_settings import BackupSettings
from .kit.cell_settings import CellSettings
from .kit.database_settings import DatabaseSettings
from .kit.load_settings import LoadSettings
from .kit.payment_settings import PaymentSettings
from .kit.setting_types import RATE, CommaSeparated, Networks, UnencryptedServices, WebPage
from .kit.sign_in_settings import SignInSettings
from .kit.video_visit_settings import VideoVisitSettings


class GeneralSettings(DatabaseSettings):
    data_dir: Path = Field(
        default=Path(".appoint"),
        description="directory for the embedded database, its log and the administrator's token",
    )
    host: str = Field(default="127.0.0.1", description="address the server listens on")
    port: int = Field(default=8000, ge=0, le=65535, description="port the server listens on; 0 picks any free port")
    workers: int = Field(default=1, ge=1, le=64, description="number of server processes")
    admin_token: SecretStr | None = Field(
        default=None,
        description="administrators' shared bearer token; if unset, it is generated, stored in the data directory, and "
        "printed at first start if the output is a terminal",
    )
    shared_admin_token: bool = Field(
        default=True,
        description="whether APPOINT_ADMIN_TOKEN works; set to false once every person and program has a token of "
        "their own (`appoint admin-token create`)",
    )
    admin_networks: Networks = Field(
        default=[],
        description="comma-separated networks (203.0.113.0/24) from which administrators and their tokens have "
        "access; if empty, from anywhere",
    )
    admin_second_factor: bool | None = Field(
        default=None,
        description="whether administrators must sign in with a second factor (a passkey or an authenticator); if "
        "unset, only in production mode",
    )
    mode: Literal["development", "production"] = Field(
        default="production",
        description="production refuses unsafe settings; development shows all messages at /dev/mailbox, works only "
        "on this machine's own address, and is the default only for `appoint run`",
    )
    public_url: str = Field(
        default="",
        pattern=r"^(https?://[^\s/?#]+)?$",
        description="the server's public base address, for links in messages; required in production; if unset in "
        "development, the address it listens on",
    )
    privacy_url: WebPage = Field(default="", description="the platform's privacy notice, linked from all patient pages")
    imprint_url: WebPage = Field(default="", description="the platform's imprint, linked from all patient pages")
    terms_url: WebPage = Field(default="", description="the platform's terms of use, linked from all patient pages")
    security_contact: str = Field(
        default="",
        pattern=r"^((mailto:|tel:|https://)[^\s]+)?$",
        description="where to report vulnerabilities, as mailto:…, tel:… or https://…, for /.well-known/security.txt; "
        "if unset, there is no such file",
    )
    secret_key: SecretStr | None = Field(
        default=None,
        description="key that signs links in messages; must be the same for all servers and workers; if unset, it is "
        "generated and stored in the data directory",
    )
    encryption_keys: SecretStr | None = Field(
        default=None,
        description="keys that encrypt notes, free text and secrets in the database (`appoint encryption new-key`): "
        "NAME:KEY,NAME:KEY, newest first, the same for all servers and workers; if unset, those in the data directory",
    )
    cache_url: SecretStr | None = Field(
        default=None, description="Redis, as redis://host:port/number; if unset, each process has its own cache"
    )
    cors_origins: CommaSeparated = Field(
        default=[], description="comma-separated origins whose pages may call the API; if empty, none may"
    )
    trusted_proxies: Networks = Field(
        default=["127.0.0.1", "::1"],
        description="comma-separated addresses or networks of reverse proxies whose X-Forwarded-For and "
        "X-Forwarded-Proto are trusted",
    )
    without_tls: UnencryptedServices = Field(
        default=[],
        description="comma-separated services that may be reached over a network without TLS: pages, database, cache, "
        "broker, smtp; only for private networks",
    )
    pool_size: int = Field(default=10, ge=1, le=500, description="database connections per process")
    pool_timeout_seconds: float = Field(
        default=5, gt=0, description="how long a request waits for a connection before it fails with 503"
    )
    statement_timeout_seconds: float = Field(
        default=15, gt=0, description="how long a statement may run before the database cancels it"
    )
    shutdown_seconds: int = Field(
        default=20, ge=1, description="how long running requests may take to finish after SIGTERM"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="lowest severity that is logged"
    )
    log_format: Literal["auto", "json", "console"] = Field(
        default="auto", description="auto: readable in a terminal and for `appoint run` in development, otherwise JSON"
    )
    otlp_endpoint: str | None = Field(
        default=None, description="http(s) base address of an OpenTelemetry collector; if unset, no traces are sent"
    )
    metrics_token: SecretStr | None = Field(
        default=None,
        min_length=16,
        description="bearer token for /metrics, for Prometheus; if unset, only administrators can read the metrics, "
        "except in development mode",
    )
    smtp_url: SecretStr | None = Field(
        default=None,
        description="mail server: smtp://user:password@host:587 (STARTTLS) or smtps://…:465 (TLS); if unset, "
        "development shows emails at /dev/mailbox, and production sends none",
    )
    mail_from: str = Field(
        default="appointments@localhost.localdomain",
        description="sender address for emails; the sender name is the clinic's",
    )
    mails_per_second: int = Field(
        default=20,
        ge=1,
        le=1000,
        description="emails that the mail server accepts per second, from all workers together",
    )
    sms_url: SecretStr | None = Field(
        default=None,
        description="Twilio or a compatible gateway: https://account:token@api.twilio.com; if unset, development "
        "shows text messages at /dev/mailbox, and production sends none",
    )
    sms_from: str = Field(default="Appoint", description="sender number or name for text messages")
    sms_countries: CommaSeparated = Field(
        default=[],
        description="countries, such as DE,AT, that get text messages; if unset, the clinics' countries and those "
        "around them",
    )
    sms_per_second: int = Field(
        default=10,
        ge=1,
        le=1000,
        description="text messages that the gateway accepts per second, from all workers together",
    )
    reminder_spread_minutes: int = Field(
        default=60, ge=1, le=720, description="reminders are sent up to this many minutes early, to spread the load"
    )
    broker_url: SecretStr | None = Field(
        default=None,
        description="broker to publish every event to: nats://… (JetStream) or amqp://… (RabbitMQ); if unset, events "
        "are not published",
    )
    webhook_private_addresses: bool = Field(
        default=False,
        description="whether webhooks may point to private and loopback addresses; for tests only, never in production",
    )
    event_log_days: int = Field(
        default=30, ge=1, le=3650, description="how long relayed events and webhook deliveries are kept for replays"
    )
    unconfirmed_days: int = Field(
        default=7,
        ge=1,
        le=3650,
        description="how long people who registered but never booked are kept, with their abandoned holds",
    )
    hold_minutes: int = Field(
        default=10, ge=1, le=120, description="how long a time is held before it must be confirmed"
    )
    availability_seconds: float = Field(
        default=1, ge=0, le=2, description="for how many seconds free times in API responses may be reused; 0 for none"
    )
    rate_limits: bool = Field(
        default=True,
        description="whether requests and strangers' bookings are limited; turn off only for load tests",
    )
    requests_rate: str = Field(
        default="240/minute",
        pattern=RATE,
        description="requests from one address (for IPv6, from one /64 network), written as number/second, "
        "number/minute, number/hour or number/day",
    )
    search_rate: str = Field(
        default="60/minute",
        pattern=RATE,
        description="searches across clinics, per address or signed-in caller",
    )
    bookings_rate: str = Field(
        default="30/minute", pattern=RATE, description="bookings, per address or signed-in caller"
    )
    registrations_rate: str = Field(
        default="60/hour",
        pattern=RATE,
        description="customer registrations, per address or signed-in caller",
    )
    recipients_rate: str = Field(
        default="100/day", pattern=RATE, description="emails and phone numbers that strangers register, per address"
    )
    sign_in_rate: str = Field(
        default="20/minute", pattern=RATE, description="requests related to signing in, per address"
    )
    signed_in_rate: str = Field(
        default="120/minute",
        pattern=RATE,
        description="requests from a signed-in patient or a manage link's holder",
    )
    partner_rate: str = Field(
        default="600/minute",
        pattern=RATE,
        description="requests from a partner system whose API key has no rate limit of its own",
    )
    monitoring_rate: str = Field(
        default="600/minute", pattern=RATE, description="requests for /healthz, /readyz and /metrics, per address"
    )
    callbacks_rate: str = Field(
        default="3000/minute", pattern=RATE, description="delivery reports from text message gateways, per address"
    )
    lookups_rate: str = Field(
        default="30/hour",
        pattern=RATE,
        description="searches by address for other clinics' customers, per staff user or API key",
    )
    appointments_per_customer: int = Field(
        default=20,
        ge=1,
        le=1000,
        description="upcoming appointments that a customer can have at a clinic without help from its staff",
    )
    holds_per_customer: int = Field(
        default=3,
        ge=1,
        le=1000,
        description="appointments that a customer can have on hold at a clinic without help from its staff",
    )
    stranger_minutes_per_network: PositiveInt = Field(
        default=240, description="minutes of a clinic's time that strangers at one address can take in 24 hours"
    )
    stranger_minutes_per_address: PositiveInt = Field(
        default=240,
        description="minutes of a clinic's time that strangers can take for one email address or phone number in 24 "
        "hours",
    )
    stranger_share_percent: int = Field(
        default=10, ge=1, le=100, description="share of a clinic's next 14 days that unconfirmed strangers can take"
    )
    request_seconds: int = Field(
        default=60, ge=1, le=600, description="how long a request may take in total before it fails with 503"
    )


class Settings(
    CellSettings,
    LoadSettings,
    BackupSettings,
    AuditSettings,
    SignInSettings,
    VideoVisitSettings,
    PaymentSettings,
    GeneralSettings,
):
    """All settings. The last base class's settings come first."""

    model_config = SettingsConfigDict(
        env_prefix="APPOINT_",
        env_file=".env",
        env_ignore_empty=True,
        # a directory of files named after the variables, which is how container platforms mount secrets
        secrets_dir=os.environ.get("APPOINT_SECRETS_DIR"),
        extra="ignore",
        validate_default=True,
    )

    def model_post_init(self, _: object) -> None:
        self.data_dir = self.data_dir.expanduser().absolute()

    @property
    def session_idle(self) -> timedelta:
        return timedelta(minutes=self.session_idle_minutes)

    @property
    def requires_admin_second_factor(self) -> bool:
        return self.mode == "production" if self.admin_second_factor is None else self.admin_second_factor

    @property
    def keys_file(self) -> Path:
        """The file with encryption keys, one per line, for installations that don't have them in a variable."""
        return self.data_dir / "encryption-keys"

    @property
    def links_url(self) -> str:
        """The base address for links in messages."""
        return self.public_url or f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"
