"""The settings that production mode refuses, and the addresses on which development mode may listen."""

import os
import re
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import SecretStr

from ..database.replicas import parse_urls
from ..kit.errors import StartupError
from ..kit.guessable import is_guessable
from ..kit.hosts import is_loopback
from ..kit.setting_types import UnencryptedService
from ..settings import Settings

MIN_DATABASE_PASSWORD_LENGTH: Final = 12
TLS_MODES: Final = frozenset({"require", "verify-ca", "verify-full"})


def check_mode(settings: Settings) -> None:
    """Raise `StartupError` for settings that the mode refuses. The message names each of them."""
    if settings.mode == "development":
        _check_development(settings)
    elif faults := [*_incomplete(settings), *_unsafe(settings), *_unencrypted(settings)]:
        raise StartupError(f"Production mode refuses these settings: {'; '.join(faults)}.")


def _check_development(settings: Settings) -> None:
    public_host = urlsplit(settings.public_url).hostname if settings.public_url else None
    for variable, host in (("APPOINT_HOST", settings.host), ("APPOINT_PUBLIC_URL", public_host)):
        if host is not None and not is_loopback(host):
            raise StartupError(
                "Development mode shows everyone's messages at /dev/mailbox, so it works only on this machine: "
                f"set {variable} to an address on 127.0.0.1, or APPOINT_MODE to production."
            )


def _incomplete(settings: Settings) -> Iterator[str]:
    if not settings.public_url:
        yield "APPOINT_PUBLIC_URL is missing (set it to the address where people reach the server)"
    if not settings.encryption_keys and not settings.keys_file.exists():
        yield "APPOINT_ENCRYPTION_KEYS is missing (create a key with `appoint encryption new-key`)"
    if settings.smtp_url and "mail_from" not in settings.model_fields_set:
        yield "APPOINT_MAIL_FROM is missing (set it to the address that emails are sent from)"


def _unsafe(settings: Settings) -> Iterator[str]:
    if settings.webhook_private_addresses:
        yield "APPOINT_WEBHOOK_PRIVATE_ADDRESSES is true (webhooks could reach servers on your internal network)"
    if settings.call_private_addresses:
        yield "APPOINT_CALL_PRIVATE_ADDRESSES is true (video visits could reach servers on your internal network)"
    if any(ip_network(each).prefixlen == 0 for each in settings.trusted_proxies):
        yield "APPOINT_TRUSTED_PROXIES contains every address (anyone could fake their address)"
    if not settings.rate_limits:
        yield "APPOINT_RATE_LIMITS is false"
    if settings.owner_database_url:
        yield "APPOINT_OWNER_DATABASE_URL is set (only `appoint migrate` may own the database)"
    guessable = [f"APPOINT_{name.upper()}" for name in Settings.model_fields if _has_guessable(settings, name)]
    if settings.database_url and _is_guessable_password(settings.database_url):
        guessable.append("the password in APPOINT_DATABASE_URL")
    for each in guessable:
        yield f"{each} is too easy to guess (generate one with `openssl rand -hex 32`)"


def _has_guessable(settings: Settings, name: str) -> bool:
    """Return whether the setting is one of Appoint's own secrets and is easy to guess. Secrets in URLs belong to other
    services, and `KeyRing` checks encryption keys.
    """
    value = getattr(settings, name)
    return (
        isinstance(value, SecretStr)
        and not name.endswith(("_url", "_urls", "_keys"))
        and is_guessable(value.get_secret_value())
    )


def _is_guessable_password(database_url: SecretStr) -> bool:
    """Return whether the URL contains a password that is easy to guess. Without a password, PostgreSQL decides who may
    log in, for example by certificate."""
    password = unquote(urlsplit(database_url.get_secret_value()).password or "")
    return bool(password) and is_guessable(password, min_length=MIN_DATABASE_PASSWORD_LENGTH)


def _unencrypted(settings: Settings) -> Iterator[str]:
    services: tuple[tuple[UnencryptedService, str, bool], ...] = (
        ("pages", "APPOINT_PUBLIC_URL", _is_unencrypted(settings.public_url, "http")),
        ("database", "APPOINT_DATABASE_URL", _is_unencrypted_database(settings.database_url)),
        ("database", "APPOINT_DATABASE_DIRECT_URL", _is_unencrypted_database(settings.database_direct_url)),
        ("database", "APPOINT_BACKUP_DATABASE_URL", _is_unencrypted_database(settings.backup_database_url)),
        ("database", "APPOINT_REPLICA_URLS", any(map(_is_unencrypted_database, _replica_urls(settings)))),
        ("cache", "APPOINT_CACHE_URL", _is_unencrypted(_plain(settings.cache_url), "redis")),
        ("broker", "APPOINT_BROKER_URL", _is_unencrypted(_plain(settings.broker_url), "nats", "amqp")),
    )
    for service, variable, is_unencrypted in services:
        if is_unencrypted and service not in settings.without_tls:
            yield f"{variable} does not use TLS (if its network is private, add {service} to APPOINT_WITHOUT_TLS)"


def _replica_urls(settings: Settings) -> list[SecretStr]:
    return [SecretStr(url) for url in parse_urls(_plain(settings.replica_urls))]


def _plain(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""


def _is_unencrypted(urls: str, *schemes: str) -> bool:
    """Return whether any of the comma-separated URLs has one of the schemes and points to another machine."""
    parts = (urlsplit(url) for url in urls.split(","))
    return any(part.scheme in schemes and not is_loopback(part.hostname or "") for part in parts)


def _is_unencrypted_database(url: SecretStr | None) -> bool:
    """Return whether connections to the database leave this machine, possibly without TLS. If the URL omits something,
    the client reads it from libpq's own variables.
    """
    if url is None:
        return False
    parts = urlsplit(url.get_secret_value())
    query = dict(parse_qsl(parts.query))
    tls = query.get("sslmode") or os.environ.get("PGSSLMODE")
    hosts = query.get("host") or unquote(parts.netloc.rpartition("@")[2]) or os.environ.get("PGHOST") or "localhost"
    return tls not in TLS_MODES and not all(_is_local(host) for host in hosts.split(","))


def _is_local(host: str) -> bool:
    """Return whether a database's host, which may be followed by a port, is a socket or this machine."""
    name = re.sub(r"^\[([^]]+)\](:\d+)?$|^([^:]+):\d+$", r"\1\3", host)
    return host.startswith("/") or is_loopback(name)
