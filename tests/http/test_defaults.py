"""What holds without anybody having set it: secrets nobody can guess, and headers that keep browsers careful."""

import httpx2
import pytest

from appoint.kit.errors import StartupError
from appoint.server.startup import check_secrets
from appoint.settings import Settings
from support.app import composed, settings

GOOD = "dR7-qmW2x_Jc0Lz9TfVb4yKs8NaHu1Pe"


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"admin_token": "admin"}, "APPOINT_ADMIN_TOKEN"),
        ({"secret_key": "x" * 40}, "APPOINT_SECRET_KEY"),
        ({"database_url": "postgresql://appoint:appoint@db/appoint"}, "APPOINT_DATABASE_URL"),
        ({"database_url": "postgresql://appoint:Postgres@db/appoint"}, "APPOINT_DATABASE_URL"),
    ],
)
def test_production_refuses_secrets_that_can_be_guessed_and_says_which(given, named):
    with pytest.raises(StartupError, match=named):
        check_secrets(
            settings(**{"mode": "production", "rate_limits": True, "secret_key": GOOD, "admin_token": GOOD} | given)
        )


def test_production_takes_good_secrets_and_those_it_made_itself():
    check_secrets(
        settings(
            mode="production",
            rate_limits=True,
            secret_key=GOOD,
            admin_token=GOOD,
            database_url=f"postgresql://appoint:{GOOD}@db/appoint",
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


def test_secrets_can_be_files(tmp_path):
    (tmp_path / "appoint_admin_token").write_text(GOOD + "\n")
    read = Settings(_env_file=None, _secrets_dir=tmp_path)  # pyright: ignore[reportCallIssue]
    assert read.admin_token is not None
    assert read.admin_token.get_secret_value() == GOOD


@pytest.fixture
async def secure(db, database_url):
    app = composed(database_url)
    async with (
        app.lifespan(),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="https://testserver.local") as client,
    ):
        yield client


@pytest.mark.parametrize(
    "path", ["/", "/api/docs", "/api/clinics", "/nowhere", "/problems/taken", "/static/appoint.css"]
)
async def test_every_answer_tells_browsers_to_be_careful(secure, path):
    answer = await secure.get(path)
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe-inline" not in policy.split("script-src")[-1].split(";")[0]
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"


async def test_without_tls_nobody_is_told_to_insist_on_it(client):
    assert "Strict-Transport-Security" not in (await client.get("/api/clinics")).headers


async def test_other_origins_may_not_call_unless_a_setting_says_so(secure):
    answer = await secure.get("/api/clinics", headers={"Origin": "https://elsewhere.example"})
    assert "Access-Control-Allow-Origin" not in answer.headers
