"""Every setting there is: `APPOINT_*` variables, all with defaults. `appoint settings` lists them."""

from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


CommaSeparated = Annotated[list[str], NoDecode, BeforeValidator(_split)]


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="APPOINT_", env_file=".env", env_ignore_empty=True, extra="ignore", validate_default=True)

    database_url: SecretStr | None = Field(
        default=None, description="PostgreSQL 18 or newer, as postgresql://user:password@host/database; none: an embedded server in the data directory"
    )
    data_dir: Path = Field(default=Path(".appoint"), description="where the embedded database, its log and the administrator's token live")
    host: str = Field(default="127.0.0.1", description="address the server listens on")
    port: int = Field(default=8000, ge=0, le=65535, description="port the server listens on; 0 takes any free one")
    workers: int = Field(default=1, ge=1, le=64, description="server processes")
    admin_token: SecretStr | None = Field(
        default=None, description="bearer token of the platform's administrator; made and printed at first start when not given"
    )
    mode: Literal["development", "production"] = Field(
        default="development", description="production: what has no provider is not sent, and the development pages are not there"
    )
    public_url: str = Field(
        default="", pattern=r"^(https?://[^\s/?#]+)?$", description="where people reach the server, for links in messages; none: the address it listens on"
    )
    secret_key: SecretStr | None = Field(
        default=None, description="signs links in messages, the same for all servers and workers; made and kept in the data directory when not given"
    )
    cache_url: SecretStr | None = Field(default=None, description="redis://host:port/number; none: each process caches for itself")
    cors_origins: CommaSeparated = Field(default=[], description="comma-separated origins whose pages may call the API; empty: none")
    trusted_proxies: CommaSeparated = Field(
        default=["127.0.0.1", "::1"],
        description="comma-separated addresses or networks of reverse proxies, whose X-Forwarded-For and X-Forwarded-Proto are believed",
    )
    pool_size: int = Field(default=10, ge=1, le=500, description="database connections per process")
    pool_timeout_seconds: float = Field(default=5, gt=0, description="how long a request waits for a connection before it is answered 503")
    statement_timeout_seconds: float = Field(default=15, gt=0, description="after this the database cancels a statement")
    shutdown_seconds: int = Field(default=20, ge=1, description="how long running requests may take to end after SIGTERM")
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="least severe log line written")
    log_format: Literal["auto", "json", "console"] = Field(default="auto", description="auto: readable in a terminal, JSON elsewhere")
    otlp_endpoint: str | None = Field(default=None, description="http(s) base address of an OpenTelemetry collector; none: no traces leave")
    smtp_url: SecretStr | None = Field(
        default=None,
        description="mail server: smtp://user:password@host:587 (STARTTLS where offered), smtps://…:465 (TLS); none: development's mailbox at /dev/mailbox",
    )
    mail_from: str = Field(default="appointments@localhost.localdomain", description="address that mails come from; the clinic's name stands before it")
    mails_per_second: int = Field(default=20, ge=1, le=1000, description="mails that the mail server takes a second, from all workers together")
    sms_url: SecretStr | None = Field(
        default=None, description="Twilio or a gateway that is compatible: https://account:token@api.twilio.com; none: development's mailbox"
    )
    sms_from: str = Field(default="Appoint", description="number or name that text messages come from")
    sms_per_second: int = Field(default=10, ge=1, le=1000, description="text messages that the gateway takes a second, from all workers together")
    reminder_spread_minutes: int = Field(default=60, ge=1, le=720, description="reminders leave up to so much earlier, so that not all leave at once")
    broker_url: SecretStr | None = Field(default=None, description="nats://… (JetStream) or amqp://… (RabbitMQ) to publish every event to; none: no broker")
    webhook_private_addresses: bool = Field(default=False, description="whether webhooks may point at private and loopback addresses; for tests")
    event_log_days: int = Field(default=30, ge=1, le=3650, description="how long told events and deliveries of webhooks are kept, for replays")
    hold_minutes: int = Field(default=10, ge=1, le=120, description="how long a held time stays held before it must be confirmed")

    def model_post_init(self, _: object) -> None:
        self.data_dir = self.data_dir.expanduser().absolute()

    @property
    def links_url(self) -> str:
        """What links in messages begin with."""
        return self.public_url or f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


@cache
def get() -> Settings:
    """The settings of this process, read once."""
    return Settings()
