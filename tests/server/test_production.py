"""Production mode refuses unsafe settings by name, and development mode works only on this machine."""

import pytest

from appoint.kit.errors import StartupError
from appoint.server.startup import check_settings
from appoint.settings import Settings
from support.app import settings

STRONG_SECRET = "dR7-qmW2x_Jc0Lz9TfVb4yKs8NaHu1Pe"
SAFE = {
    "mode": "production",
    "public_url": "https://appoint.example",
    "secret_key": STRONG_SECRET,
    "admin_token": STRONG_SECRET,
    "database_url": f"postgresql://appoint:{STRONG_SECRET}@db.internal/appoint?sslmode=verify-full",
}
SMTP = {"smtp_url": "smtp://mail.example", "mail_from": "desk@appoint.example"}


def refusal(**changes):
    with pytest.raises(StartupError) as error:
        check_settings(settings(**(SAFE | changes)))
    return str(error.value)


def test_production_is_the_default():
    assert Settings(_env_file=None).mode == "production"  # pyright: ignore[reportCallIssue]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        SMTP,
        {"secret_key": None, "admin_token": None},  # generated
        {"database_url": None},
        {"database_url": "postgresql://appoint@/appoint?host=/run/postgresql"},
        {"database_url": "postgresql://appoint@%2Frun%2Fpostgresql/appoint"},
        {"database_url": f"postgresql://appoint:{STRONG_SECRET}@localhost:5432/appoint"},
        {"database_url": f"postgresql://appoint:{STRONG_SECRET}@[::1]:5432/appoint"},
        {"database_url": f"postgresql://appoint:{STRONG_SECRET}@db-1:5432,db-2:5432/appoint?sslmode=require"},
        {"public_url": "http://127.0.0.1:8000"},
        {"cache_url": "rediss://cache.internal"},
        {"cache_url": "redis://127.0.0.1/0"},
        {"broker_url": "tls://a.internal:4222,tls://b.internal:4222"},
        {"broker_url": "amqps://broker.internal/appoint"},
        {"cache_url": "redis://cache.internal", "without_tls": ["cache"]},
    ],
)
def test_production_accepts_safe_settings(changes):
    check_settings(settings(**(SAFE | changes)))


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"public_url": ""}, "APPOINT_PUBLIC_URL is missing"),
        ({"encryption_keys": None, "data_dir": "/nowhere"}, "APPOINT_ENCRYPTION_KEYS is missing (create a key with"),
        ({"public_url": "http://appoint.example"}, "APPOINT_PUBLIC_URL does not use TLS"),
        ({"smtp_url": "smtp://mail.example"}, "APPOINT_MAIL_FROM is missing"),
        ({"webhook_private_addresses": True}, "APPOINT_WEBHOOK_PRIVATE_ADDRESSES is true"),
        ({"call_private_addresses": True}, "APPOINT_CALL_PRIVATE_ADDRESSES is true"),
        ({"trusted_proxies": ["10.0.0.0/8", "0.0.0.0/0"]}, "APPOINT_TRUSTED_PROXIES contains every address"),
        ({"trusted_proxies": ["::/0"]}, "APPOINT_TRUSTED_PROXIES contains every address"),
        ({"rate_limits": False}, "APPOINT_RATE_LIMITS is false"),
        ({"admin_token": "admin-token-for-production-2026"}, "APPOINT_ADMIN_TOKEN is too easy to guess"),
        ({"secret_key": "please-change-this-secret-key-1"}, "APPOINT_SECRET_KEY is too easy to guess"),
        ({"metrics_token": "scrape-scrape-scrape"}, "APPOINT_METRICS_TOKEN is too easy to guess"),
        ({"metrics_token": "prometheus-token-2026"}, "APPOINT_METRICS_TOKEN is too easy to guess"),
        ({"database_url": "postgresql://appoint:appoint@db/appoint"}, "the password in APPOINT_DATABASE_URL"),
        ({"database_url": "postgresql://appoint:Postgres-2026!@db/appoint"}, "the password in APPOINT_DATABASE_URL"),
        ({"database_url": "postgresql://appoint@db.internal/appoint"}, "APPOINT_DATABASE_URL does not use TLS"),
        (
            {"database_url": "postgresql://appoint@db.internal/a?sslmode=prefer"},
            "APPOINT_DATABASE_URL does not use TLS",
        ),
        ({"database_url": "postgresql://appoint@/a?host=db.internal"}, "APPOINT_DATABASE_URL does not use TLS"),
        ({"database_url": "postgresql://appoint@127.0.0.1,[2001:db8::1]/a"}, "APPOINT_DATABASE_URL does not use TLS"),
        ({"cache_url": "redis://cache.internal/0"}, "APPOINT_CACHE_URL does not use TLS"),
        ({"broker_url": "tls://a.internal:4222,nats://b.internal:4222"}, "APPOINT_BROKER_URL does not use TLS"),
        ({"broker_url": "amqp://broker.internal/appoint"}, "APPOINT_BROKER_URL does not use TLS"),
    ],
)
def test_production_refuses_an_unsafe_setting_by_name(changes, fault):
    assert fault in refusal(**changes)


def test_production_names_every_unsafe_setting_at_once_without_their_values():
    message = refusal(
        public_url="", webhook_private_addresses=True, admin_token="admin-token-2026", cache_url="redis://:hidden@cache"
    )
    for variable in ("PUBLIC_URL", "WEBHOOK_PRIVATE_ADDRESSES", "ADMIN_TOKEN", "CACHE_URL"):
        assert f"APPOINT_{variable}" in message
    assert "admin-token-2026" not in message
    assert "hidden" not in message


def test_a_database_whose_host_comes_from_the_environment_needs_tls_too(monkeypatch):
    monkeypatch.setenv("PGHOST", "db.internal")
    assert "APPOINT_DATABASE_URL does not use TLS" in refusal(database_url="postgresql:///appoint")
    monkeypatch.setenv("PGSSLMODE", "require")
    check_settings(settings(**(SAFE | {"database_url": "postgresql:///appoint"})))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_development_works_on_this_machine(host):
    check_settings(settings(mode="development", host=host, secret_key="short"))


@pytest.mark.parametrize(
    ("changes", "variable"),
    [
        ({"host": "::"}, "APPOINT_HOST"),
        ({"host": "192.0.2.7"}, "APPOINT_HOST"),
        ({"host": "appoint.example"}, "APPOINT_HOST"),
        ({"public_url": "https://appoint.example"}, "APPOINT_PUBLIC_URL"),
    ],
)
def test_development_elsewhere_is_refused_by_name(changes, variable):
    with pytest.raises(StartupError, match=f"Development mode .* set {variable} to .* or APPOINT_MODE to production"):
        check_settings(settings(mode="development", **changes))
