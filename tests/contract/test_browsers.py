"""What browsers can load and call: security headers and CORS."""

import pytest

from support.app import client_of, composed


@pytest.mark.parametrize("path", ["/api/clinics", "/api/nothing", "/healthz", "/api/openapi.json"])
def test_every_response_has_security_headers(http, path):
    headers = http.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"


def test_a_page_can_load_only_content_from_the_same_origin(http):
    headers = http.get("/api/docs").headers
    assert headers["Content-Security-Policy"].startswith("default-src 'self'; ")
    assert {"Referrer-Policy", "Permissions-Policy"} <= {name.title() for name in headers}


@pytest.fixture
async def browser(db, database_url):
    app = composed(database_url, cors_origins="https://clinic.example, https://other.example")
    async with client_of(app) as client:
        yield client


async def test_configured_origins_can_call_the_api_and_read_its_headers(browser):
    response = await browser.get("/api/clinics", headers={"Origin": "https://clinic.example"})
    assert response.headers["Access-Control-Allow-Origin"] == "https://clinic.example"
    exposed = set(response.headers["Access-Control-Expose-Headers"].split(", "))
    limits = {f"RateLimit-{name}" for name in ("Limit", "Remaining", "Reset", "Policy")}
    assert (
        exposed
        == {"ETag", "Location", "Link", "X-Request-ID", "Idempotent-Replayed", "Retry-After", "Undo-URL"}
        | {"Appoint-Position", "Appoint-Missing-Cells"}
        | limits
    )


async def test_configured_origins_can_send_the_apis_headers(browser):
    headers = {
        "Origin": "https://other.example",
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "if-match, idempotency-key",
    }
    response = await browser.options("/api/clinics/1", headers=headers)
    assert (response.status_code, response.headers["Access-Control-Allow-Origin"]) == (204, "https://other.example")


async def test_other_origins_cannot_call_the_api(browser, client):
    for caller in (browser, client):
        response = await caller.get("/api/clinics", headers={"Origin": "https://evil.example"})
        assert "Access-Control-Allow-Origin" not in response.headers
