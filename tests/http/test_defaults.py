"""Secure defaults: secrets that cannot be guessed, and strict headers for browsers."""

import pytest

from appoint.kit.errors import StartupError
from appoint.server.startup import check_secrets
from appoint.settings import Settings
from support.app import client_of, composed, settings

STRONG_SECRET = "dR7-qmW2x_Jc0Lz9TfVb4yKs8NaHu1Pe"


@pytest.mark.parametrize(
    ("changes", "variable"),
    [
        ({"admin_token": "admin"}, "APPOINT_ADMIN_TOKEN"),
        ({"secret_key": "x" * 40}, "APPOINT_SECRET_KEY"),
        ({"database_url": "postgresql://appoint:appoint@db/appoint"}, "APPOINT_DATABASE_URL"),
        ({"database_url": "postgresql://appoint:Postgres@db/appoint"}, "APPOINT_DATABASE_URL"),
    ],
)
def test_production_rejects_guessable_secrets_by_name(changes, variable):
    with pytest.raises(StartupError, match=variable):
        check_secrets(
            settings(
                **{"mode": "production", "rate_limits": True, "secret_key": STRONG_SECRET, "admin_token": STRONG_SECRET}
                | changes
            )
        )


def test_production_accepts_strong_and_generated_secrets():
    check_secrets(
        settings(
            mode="production",
            rate_limits=True,
            secret_key=STRONG_SECRET,
            admin_token=STRONG_SECRET,
            database_url=f"postgresql://appoint:{STRONG_SECRET}@db/appoint",
        )
    )
    check_secrets(
        settings(
            mode="production",
            rate_limits=True,
            secret_key=None,
            admin_token=None,
            database_url="postgresql://appoint@/appoint?host=/run/postgresql",
        )
    )
    check_secrets(settings(secret_key="short"))  # development


def test_secrets_can_be_read_from_files(tmp_path):
    (tmp_path / "appoint_admin_token").write_text(STRONG_SECRET + "\n")
    loaded = Settings(_env_file=None, _secrets_dir=tmp_path)  # pyright: ignore[reportCallIssue]
    assert loaded.admin_token is not None
    assert loaded.admin_token.get_secret_value() == STRONG_SECRET


@pytest.fixture
async def secure(db, database_url):
    async with client_of(composed(database_url), base_url="https://testserver.local") as client:
        yield client


@pytest.mark.parametrize(
    "path", ["/", "/api/docs", "/api/clinics", "/nowhere", "/problems/taken", "/static/appoint.css"]
)
async def test_every_response_has_strict_security_headers(secure, path):
    response = await secure.get(path)
    policy = response.headers["Content-Security-Policy"]
    assert "unsafe-inline" not in policy.split("script-src")[-1].split(";")[0]
    assert "frame-ancestors 'none'" in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"


async def test_responses_without_tls_have_no_hsts_header(client):
    assert "Strict-Transport-Security" not in (await client.get("/api/clinics")).headers


async def test_other_origins_do_not_get_cors_headers_by_default(secure):
    response = await secure.get("/api/clinics", headers={"Origin": "https://elsewhere.example"})
    assert "Access-Control-Allow-Origin" not in response.headers
