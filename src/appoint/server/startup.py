"""Startup checks: a reachable, migrated database, safe secrets, and an administrator's token."""

import os
import secrets
from collections.abc import Callable, Generator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import asyncpg
import structlog
from pydantic import SecretStr

from ..database import dumps, logins, migrate, zone_rules
from ..database.pool import ACROSS, SERVER, connect
from ..database.replicas import parse_urls
from ..kit import clock, key_ring
from ..kit.errors import StartupError
from ..kit.key_ring import NO_KEYS, KeyRing
from ..oversight.backups import service as backups
from ..settings import Settings
from .production import check_mode

if TYPE_CHECKING:
    from ..identity.oidc.model import Trust

log = structlog.get_logger()


class UsableDatabase(NamedTuple):
    url: str
    """For serving requests and running jobs, with a login that should not own anything. Never a pooler's: if there is
    one, only requests go through it."""
    owner_url: str
    """For migrations and maintenance."""
    fresh: bool
    """Whether it has just been created and is empty."""
    programs: Path | None
    """The folder with the embedded server's programs, or None for any other server."""


@contextmanager
def database(settings: Settings, *, say: Callable[[str], None]) -> Generator[UsableDatabase]:
    """Yield the configured database: the one in `APPOINT_DATABASE_URL`, or else the embedded one, which runs for as
    long as any process uses it."""
    if settings.database_url:
        direct_url = settings.database_direct_url or settings.database_url
        url = direct_url.get_secret_value()
        owner_url = settings.owner_database_url.get_secret_value() if settings.owner_database_url else url
        yield UsableDatabase(url, owner_url, fresh=False, programs=None)
        return
    from ..database import embedded  # noqa: PLC0415  a server with another database does not need its libraries

    with embedded.running(settings.data_dir, say=say) as server:
        yield UsableDatabase(server.serving_url, server.url, server.fresh, server.binaries)


async def reach(url: str) -> str | None:
    """Connect once and return the database's revision. Raise `StartupError` if the database cannot be reached, and
    `TooOld` if PostgreSQL is too old."""
    try:
        connection = await asyncpg.connect(url, timeout=10)
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        place = urlsplit(url).netloc.rpartition("@")[2] or "this machine"
        reason = str(error).split("\n", 1)[0] or type(error).__name__
        raise StartupError(f"The database at {place} cannot be used: {reason}") from error
    try:
        version = connection.get_server_version().major
        if version < migrate.MIN_POSTGRES:
            raise migrate.TooOld(str(version))
        return await migrate.revision(connection)
    finally:
        await connection.close()


async def migrate_and_prepare(database: UsableDatabase) -> None:
    """Migrate the database to this version's schema and, if there is a separate login for serving it, set that up."""
    await reach(database.owner_url)
    await migrate.upgrade(database.owner_url)
    if database.url != database.owner_url:
        await logins.prepare(database.owner_url, database.url)


async def expect_migrated(database: UsableDatabase) -> None:
    """Raise `StartupError` unless the database has this version's schema."""
    revision = await reach(database.owner_url if database.programs else database.url)
    if revision and revision > migrate.newest():
        raise migrate.TooNew(revision)
    if revision != migrate.newest():
        raise StartupError(
            f"The database is at revision {revision}; this version needs {migrate.newest()}. "
            "Run `appoint migrate` first."
        )
    await dumps.check(database.owner_url if database.programs else database.url)
    if database.programs:  # earlier versions created embedded databases without a login for serving them
        await logins.prepare(database.owner_url, database.url)


async def expect_servable(settings: Settings, database: UsableDatabase) -> None:
    """Raise `StartupError` unless the database has this version's schema and, in production, the login can do nothing
    but serve requests and run jobs. Log a warning if its time zone rules differ from ours."""
    await expect_migrated(database)
    if settings.mode == "production" and (reasons := await logins.excessive_privileges(database.url)):
        raise StartupError(
            f"Production mode refuses the login in APPOINT_DATABASE_URL: it {' and '.join(reasons)}. Set "
            "APPOINT_OWNER_DATABASE_URL to this URL for `appoint migrate` alone, and APPOINT_DATABASE_URL to a URL "
            "with another login, which `appoint migrate` then creates."
        )
    await compare_zones(database.url)


async def compare_zones(url: str) -> None:
    """Log a warning if the database's time zone rules differ from ours."""
    db = connect(url, size=1, wait_seconds=10, statement_seconds=30, role=SERVER)
    try:
        if differences := await zone_rules.ZoneRules().differences(db, now=clock.now()):
            log.warning("time zone rules differ", detail=zone_rules.describe(differences))
    finally:
        await db.close()


def check_extras(settings: Settings) -> None:
    """Raise `StartupError` if a setting needs optional libraries that are not installed."""
    broker = settings.broker_url.get_secret_value() if settings.broker_url else ""
    needs = (
        (bool(settings.cache_url), "redis", "redis", "APPOINT_CACHE_URL"),
        (bool(settings.otlp_endpoint), "opentelemetry", "otel", "APPOINT_OTLP_ENDPOINT"),
        (bool(settings.backup_url), "psycopg2", "backup", "APPOINT_BACKUP_URL"),
        (broker.startswith(("nats:", "tls:")), "nats", "nats", "APPOINT_BROKER_URL"),
        (broker.startswith("amqp"), "aio_pika", "rabbitmq", "APPOINT_BROKER_URL"),
    )
    for is_needed, module, extra, setting in needs:
        if is_needed and find_spec(module) is None:
            raise StartupError(f"{setting} needs a library that is not installed: pip install 'appoint[{extra}]'.")


def check_settings(settings: Settings) -> None:
    """Raise `StartupError` if a provider's or broker's address is invalid, or if the mode refuses a setting.

    The libraries for providers are imported only if a provider is configured, because they are slow to import.
    """
    if settings.smtp_url or settings.sms_url:
        from ..messaging.channels.gateway import create_gateways  # noqa: PLC0415

        create_gateways(settings, connect("", size=1, wait_seconds=1, statement_seconds=1))
    if settings.payments_url:
        from ..payments.checkout.gateway import create_gateway  # noqa: PLC0415

        create_gateway(settings)
    if settings.broker_url:
        from ..integrations.broker.gateway import check_url  # noqa: PLC0415

        check_url(settings.broker_url.get_secret_value())
    if settings.audit_export_url:
        from ..oversight.audit_exports.gateway import check_url  # noqa: PLC0415

        check_url(settings.audit_export_url.get_secret_value())
    if settings.database_direct_url and not settings.database_url:
        raise StartupError("APPOINT_DATABASE_DIRECT_URL is set without APPOINT_DATABASE_URL, the pooler's address.")
    backups.check_settings(settings)
    if settings.replica_urls:
        parse_urls(settings.replica_urls.get_secret_value())
    check_mode(settings)
    read_keys(settings)


def read_trust(settings: Settings) -> "Trust | None":
    """Return the configured identity provider, if any. Its libraries are slow to import, and few servers use one.

    Raise `StartupError` if its settings are invalid.
    """
    if not settings.oidc_issuer:
        return None
    from ..identity.oidc.service import read_trust  # noqa: PLC0415

    return read_trust(settings)


def admin_token(settings: Settings) -> tuple[str, bool]:
    """Return the administrator's token, and whether it has just been created."""
    if settings.admin_token:
        return settings.admin_token.get_secret_value(), False
    return _stored_secret(settings, "admin-token", "The administrator's token", "APPOINT_ADMIN_TOKEN")


async def is_new_installation(url: str) -> bool:
    """Return whether the database has neither an administrator nor a clinic."""
    from ..identity.setup import service  # noqa: PLC0415  its libraries are not needed to run jobs

    db = connect(url, size=1, wait_seconds=10, statement_seconds=30, role=ACROSS)
    try:
        return await service.is_new(db)
    finally:
        await db.close()


def setup_link(settings: Settings, base_url: str) -> str:
    """Return the link for setting up a new installation. It works for a day, until there is an administrator."""
    from ..identity.setup.model import setup_code  # noqa: PLC0415

    assert settings.secret_key, "created at startup"
    return f"{base_url}/setup/{setup_code(settings.secret_key.get_secret_value(), clock.now())}"


class DemoPassword(NamedTuple):
    password: str
    password_file: Path | None
    """Where to look for the password, if it must not be printed."""


def demo_password(settings: Settings, *, secretly: bool) -> DemoPassword:
    """Return the password for the demo world's staff, which is stored next to the administrator's token."""
    password, _ = _stored_secret(settings, "demo-password", "The demo world's password", "APPOINT_DATA_DIR")
    return DemoPassword(password, settings.data_dir / "demo-password" if secretly else None)


def with_secret_key(settings: Settings) -> Settings:
    """Return the settings with the key that signs links in messages."""
    if settings.secret_key:
        return settings
    key, _ = _stored_secret(settings, "secret-key", "The key that signs links", "APPOINT_SECRET_KEY")
    return settings.model_copy(update={"secret_key": SecretStr(key)})


def with_secrets(settings: Settings) -> Settings:
    """Return the settings with the key that signs links. In development mode, also create a key that encrypts values in
    the database, if there is none."""
    if settings.mode == "development" and not settings.encryption_keys:
        _stored_secret(
            settings,
            settings.keys_file.name,
            "The encryption key",
            "APPOINT_ENCRYPTION_KEYS",
            create=lambda: create_key(NO_KEYS),
        )
    return with_secret_key(settings)


def read_keys(settings: Settings) -> KeyRing:
    """Return the keys in the settings or, if there are none, in the data directory. Raise `StartupError` if they are
    malformed or cannot be read."""
    place = "APPOINT_ENCRYPTION_KEYS"
    try:
        if settings.encryption_keys:
            return KeyRing.parse(settings.encryption_keys.get_secret_value())
        place = str(settings.keys_file)
        return KeyRing.parse(settings.keys_file.read_text(), reload=lambda: read_keys(settings))
    except FileNotFoundError:
        return NO_KEYS
    except OSError as error:
        raise StartupError(f"The encryption keys in {place} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise StartupError(f"{place} is invalid: {error}.") from error


def create_key(ring: KeyRing) -> str:
    """Return a new key as `NAME:KEY`. Its name is today's date, with a number if the ring already has that name."""
    today = f"{clock.now():%Y-%m-%d}"
    names = (today, *(f"{today}.{number}" for number in range(2, 100)))
    return f"{next(name for name in names if name not in ring.names)}:{key_ring.new_key()}"


def _stored_secret(
    settings: Settings,
    name: str,
    what: str,
    variable: str,
    *,
    create: Callable[[], str] = lambda: secrets.token_urlsafe(32),
) -> tuple[str, bool]:
    """Return a secret that is not in the settings, and whether it has just been created. Store it in the data
    directory, readable only by this account."""
    path = settings.data_dir / name
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        try:
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return path.read_text().strip(), False
        secret = create()
        with os.fdopen(file, "w") as stream:
            stream.write(secret + "\n")
    except OSError as error:
        raise StartupError(
            f"{what} cannot be stored in {path}: {error.strerror}. Set {variable} or APPOINT_DATA_DIR."
        ) from error
    return secret, True
