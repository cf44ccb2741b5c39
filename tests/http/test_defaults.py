"""Secure defaults: secrets in files, and strict headers for browsers."""

import pytest

from appoint.settings import Settings
from support.app import client_of, composed
from support.world import create_clinic

STRONG_SECRET = "dR7-qmW2x_Jc0Lz9TfVb4yKs8NaHu1Pe"


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
    assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    is_page = response.headers["Content-Type"].startswith("text/html")
    assert response.headers.get("Cross-Origin-Opener-Policy") == ("same-origin" if is_page else None)
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"


async def test_other_sites_can_load_only_what_they_may_embed(secure, db):
    await create_clinic(secure)
    for path in ("/embed.js", "/embed/1", "/embed/nothing"):
        assert (await secure.get(path)).headers["Cross-Origin-Resource-Policy"] == "cross-origin"


async def test_development_pages_exist_only_in_development_mode(db, database_url):
    for mode, status in (("development", 200), ("production", 404)):
        async with client_of(composed(database_url, mode=mode)) as client:
            assert [(await client.get(path)).status_code for path in ("/design", "/dev/mailbox")] == [status] * 2


async def test_responses_without_tls_have_no_hsts_header(client):
    assert "Strict-Transport-Security" not in (await client.get("/api/clinics")).headers


async def test_other_origins_do_not_get_cors_headers_by_default(secure):
    response = await secure.get("/api/clinics", headers={"Origin": "https://elsewhere.example"})
    assert "Access-Control-Allow-Origin" not in response.headers
