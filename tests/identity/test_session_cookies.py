"""Browsers sign in with a cookie and confirm changes with a CSRF token."""

from appoint.http.access import COOKIE
from support.accounts import WRONG, get_status
from support.staff import ANOTHER, sign_in, type_of


async def sign_in_with_cookie(client, **headers) -> tuple[dict[str, str], str]:
    """Sign in like a browser. Return the cookie header and the CSRF token."""
    response = await sign_in(client, cookie=True, headers=headers or None)
    client.cookies.clear()
    value, *attributes = response.headers["Set-Cookie"].split("; ")
    assert "token" not in response.json()
    assert {attribute.lower() for attribute in attributes} == {
        "httponly",
        "secure",
        "samesite=lax",
        "path=/",
        f"max-age={12 * 60 * 60}",
    }
    assert value.startswith(f"{COOKIE}=aps_")
    return {"Cookie": value}, response.json()["csrfToken"]


async def test_a_browser_signs_in_with_an_http_only_cookie(client, mia):
    cookie, _ = await sign_in_with_cookie(client)
    assert await get_status(client, cookie) == 200


async def test_a_change_made_with_a_cookie_requires_its_csrf_token(client, mia):
    cookie, token = await sign_in_with_cookie(client)
    _, others = await sign_in_with_cookie(client)

    async def rename(**headers):
        return (await client.patch("/api/account", json={"name": "Mia Groß"}, headers=cookie | headers)).status_code

    assert [await rename(), await rename(**{"X-CSRF-Token": "forged"}), await rename(**{"X-CSRF-Token": others})] == [
        403
    ] * 3
    assert (await client.get("/api/account", headers=cookie)).json()["name"] == "Mia Klein"
    assert await rename(**{"X-CSRF-Token": token}) == 200


async def test_creating_a_customer_with_a_cookie_requires_the_csrf_token(client, mia):
    cookie, token = await sign_in_with_cookie(client)
    body = {"name": "Ana"}
    assert (await client.post("/api/customers", json=body, headers=cookie)).status_code == 403
    assert (await client.post("/api/customers", json=body, headers=cookie | {"X-CSRF-Token": token})).status_code == 201


async def test_signing_out_with_a_cookie_requires_the_csrf_token(client, mia):
    cookie, token = await sign_in_with_cookie(client)
    assert (await client.delete("/api/sessions", headers=cookie)).status_code == 403
    out = await client.delete("/api/sessions/current", headers=cookie | {"X-CSRF-Token": token})
    assert (out.status_code, "Max-Age=0" in out.headers["Set-Cookie"]) == (204, True)
    assert await get_status(client, cookie) == 401


async def test_signing_in_again_ends_the_browsers_previous_session(client, mia):
    before, _ = await sign_in_with_cookie(client)
    after, _ = await sign_in_with_cookie(client, **before)
    assert before != after
    assert (await get_status(client, before), await get_status(client, after)) == (401, 200)


async def test_signing_in_does_not_adopt_a_planted_session(db, client, mia):
    """Prevent session fixation: end an incoming cookie's session instead of signing it in."""
    planted = {"Cookie": f"{COOKIE}=aps_{'A' * 43}"}
    cookie, _ = await sign_in_with_cookie(client, **planted)
    assert cookie != planted
    assert await get_status(client, planted) == 401


async def test_a_failed_sign_in_keeps_the_current_session(client, mia):
    cookie, _ = await sign_in_with_cookie(client)
    assert type_of(await sign_in(client, password=ANOTHER, headers=cookie)) == WRONG
    assert await get_status(client, cookie) == 200


async def test_a_cookie_from_an_ended_session_does_not_block_public_requests(client, mia):
    stale_cookie = {"Cookie": f"{COOKIE}=aps_stale"}
    assert (await client.get("/api/clinics", headers=stale_cookie)).status_code == 200
    assert (await client.post("/api/customers", json={"name": "Ana"}, headers=stale_cookie)).status_code == 201
    assert await get_status(client, stale_cookie) == 401


async def test_a_signed_out_page_cannot_create_a_customer_anonymously(client, mia):
    cookie, token = await sign_in_with_cookie(client)
    assert (await client.delete("/api/sessions/current", headers=cookie | {"X-CSRF-Token": token})).status_code == 204
    for headers in (cookie, {}):
        response = await client.post("/api/customers", json={"name": "Ana"}, headers=headers | {"X-CSRF-Token": token})
        assert type_of(response) == (401, "unauthorized")
    assert (await sign_in(client, cookie=True, headers=cookie | {"X-CSRF-Token": token})).status_code == 201
