"""Staff sign in on the pages through the OpenID provider."""

from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest

from appoint.identity.second_factors.model import hash_code
from appoint.kit import clock
from support.app import client_of, composed
from support.audit import unsealed
from support.openid_pages import CALLBACK, Browser, page_settings
from support.provider import CLIENT_ID, CLIENT_SECRET
from support.staff import PASSWORD, add_user, bearer

RECOVERY_CODE = "k7rm-2xqd-9wnb-4tpf"
MIA = {"sub": "mia", "email": "mia@example.org", "email_verified": True}


async def test_the_sign_in_page_offers_the_provider_and_the_password(browser):
    page = await browser.get("/staff/sign-in?next=/staff/1/day")
    assert page.status_code == 200
    assert 'href="/staff/sign-in/openid?next=%2Fstaff%2F1%2Fday"' in page.text
    assert "Sign in with Riverside" in page.text
    assert 'name="password"' in page.text


async def test_without_a_client_the_sign_in_page_does_not_mention_a_provider(client):
    assert "/openid" not in (await client.get("/staff/sign-in")).text
    for path in ("/staff/sign-in/openid", CALLBACK):
        assert (await client.get(path)).status_code == 404


async def test_the_provider_gets_a_code_challenge_a_state_and_a_nonce(browser):
    query = parse_qs(urlsplit(await browser.depart()).query)
    assert {name: query[name] for name in ("response_type", "client_id", "redirect_uri", "scope")} == {
        "response_type": ["code"],
        "client_id": [CLIENT_ID],
        "redirect_uri": [f"https://appoint.example{CALLBACK}"],
        "scope": ["openid email"],
    }
    assert query["code_challenge_method"] == ["S256"]
    other = parse_qs(urlsplit(await browser.depart()).query)
    assert all(len(query[name][0]) >= 43 for name in ("state", "nonce", "code_challenge"))
    assert all(query[name] != other[name] for name in ("state", "nonce", "code_challenge"))


async def test_a_linked_user_signs_in_and_continues_to_the_page_they_wanted(db, linking_pages, idp):
    browser = Browser(linking_pages, idp)
    response = await browser.sign_in("/staff/sign-in/openid?next=/staff/1/day", **MIA)
    assert (response.status_code, response.headers["Location"]) == (303, "/staff/1/day")
    account = (await browser.get("/api/account")).json()
    assert (account["email"], account["memberships"][0]["role"]) == ("mia@example.org", "manager")
    actions = [entry["action"] for entry in await unsealed(db)]
    assert actions.count("signInByOpenId") == 2, "for the platform and for the clinic"


async def test_the_link_remains_when_the_address_changes(db, linking_pages, idp):
    await Browser(linking_pages, idp).sign_in(**MIA)
    await add_user(db, "other@example.org")
    browser = Browser(linking_pages, idp)
    await browser.sign_in(**MIA | {"email": "other@example.org"})
    assert (await browser.get("/api/account")).json()["email"] == "mia@example.org"


async def test_roles_come_from_the_account_and_not_from_the_token(linking_pages, idp):
    browser = Browser(linking_pages, idp)
    await browser.sign_in(**MIA, roles=["root"], groups=["administrators"])
    assert (await browser.get("/api/account")).json()["administrator"] is False


async def test_a_code_from_the_authenticator_is_required_if_two_step_sign_in_is_on(linking_pages, idp, time):
    secret = await turn_on_totp(linking_pages, time)
    browser = Browser(linking_pages, idp)
    page = await browser.sign_in(**MIA)
    assert (page.status_code, "Enter your code" in page.text, browser.is_signed_in) == (200, True, False)
    wrong = await browser.post("/staff/sign-in/openid/code", totp="000000")
    assert (wrong.status_code, "not valid" in wrong.text, browser.is_signed_in) == (401, True, False)
    time.passes(seconds=60)
    code = pyotp.TOTP(secret).at(time.now)
    assert (await browser.post("/staff/sign-in/openid/code", totp=code)).status_code == 303
    assert browser.is_signed_in


async def turn_on_totp(client, time) -> str:
    headers = await bearer(client)
    setup = (await client.post("/api/account/totp", json={"password": PASSWORD}, headers=headers)).json()
    code = pyotp.TOTP(setup["secret"]).at(time.now)
    assert (await client.post("/api/account/totp/confirm", json={"code": code}, headers=headers)).status_code == 200
    return setup["secret"]


async def test_a_recovery_code_is_accepted_from_users_whose_second_factor_is_a_passkey(db, linking_pages, idp):
    user_id = await db.fetchval("select id from app_user where email = 'mia@example.org'")
    await db.execute(
        """
        insert into passkey (user_id, name, credential_id, public_key, sign_count, synced)
        values ($1, 'Laptop', 'x', 'x', 0, false)
        """,
        user_id,
    )
    await db.execute("insert into recovery_code values ($1, $2)", user_id, hash_code(user_id, RECOVERY_CODE))
    browser = Browser(linking_pages, idp)
    page = await browser.sign_in("/staff/sign-in/openid?next=/staff/1/day", **MIA)
    assert ("Recovery code" in page.text, browser.is_signed_in) == (True, False)
    assert 'href="/staff/sign-in?next=%2Fstaff%2F1%2Fday"' in page.text, "where they can use their passkey"
    for wrong in ("000000", RECOVERY_CODE[::-1], ""):
        assert (await browser.post("/staff/sign-in/openid/code", totp=wrong)).status_code == 401
    entered = await browser.post("/staff/sign-in/openid/code", totp=RECOVERY_CODE)
    assert (entered.headers["Location"], browser.is_signed_in) == ("/staff/1/day", True)
    assert await db.fetchval("select second_factor from session") is True
    again = Browser(linking_pages, idp)
    await again.sign_in(**MIA)
    assert (await again.post("/staff/sign-in/openid/code", totp=RECOVERY_CODE)).status_code == 401


@pytest.mark.parametrize("trusted", [True, False])
async def test_a_session_has_a_second_factor_only_if_the_setting_says_that_the_provider_requires_one(
    db, database_url, idp, mia, trusted
):
    settings = page_settings(idp, oidc_link_by_email=True, oidc_second_factor=trusted)
    async with client_of(composed(database_url, **settings)) as client:
        assert (await Browser(client, idp).sign_in(**MIA)).status_code == 303
    assert await db.fetchval("select second_factor from session") is trusted


async def test_the_page_for_the_code_needs_a_sign_in_that_awaits_one(browser):
    page = await browser.visit("/staff/sign-in/openid/code")
    assert (page.status_code, "Please try again" in page.text) == (400, True)


async def test_a_provider_with_its_own_second_factor_is_trusted_if_the_setting_says_so(db, database_url, idp, mia):
    await db.execute("update app_user set totp_secret = 'x', totp_confirmed_at = now()")
    settings = page_settings(idp, oidc_link_by_email=True, oidc_second_factor=True)
    async with client_of(composed(database_url, **settings)) as client:
        browser = Browser(client, idp)
        assert (await browser.sign_in(**MIA)).status_code == 303
        assert browser.is_signed_in


async def test_a_sign_in_that_awaits_a_code_ends_when_the_password_changes(db, linking_pages, idp, time):
    secret = await turn_on_totp(linking_pages, time)
    browser = Browser(linking_pages, idp)
    await browser.sign_in(**MIA)
    await db.execute("update app_user set credentials = credentials + 1")
    time.passes(seconds=60)
    response = await browser.post("/staff/sign-in/openid/code", totp=pyotp.TOTP(secret).at(time.now))
    assert ("openid=expired" in response.headers["Location"], browser.is_signed_in) == (True, False)


async def test_a_provider_that_wants_the_secret_in_the_body_gets_it_there(linking_pages, idp):
    idp.configuration = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    browser = Browser(linking_pages, idp)
    assert (await browser.sign_in(**MIA)).status_code == 303


async def test_people_can_still_use_their_password_while_the_provider_is_unreachable(browser, idp):
    idp.down = True
    page = await browser.visit("/staff/sign-in/openid?next=/staff/1/day")
    assert (page.status_code, page.headers["Cache-Control"]) == (503, "no-store")
    assert "We can’t reach Riverside at the moment" in page.text
    assert 'name="password"' in page.text
    assert 'value="/staff/1/day"' in page.text
    signed_in = await browser.post("/staff/sign-in", email="mia@example.org", password=PASSWORD)
    assert (signed_in.status_code, browser.is_signed_in) == (303, True)


async def test_the_page_says_so_if_the_provider_fails_during_a_sign_in(browser, idp):
    answer = idp.authorize(await browser.depart(), clock.now(), **MIA)
    idp.down = True
    page = await browser.come_back(answer)
    assert (page.status_code, "We can’t reach Riverside" in page.text) == (503, True)


async def test_a_cancelled_sign_in_leads_back_to_the_sign_in_page(browser):
    state = parse_qs(urlsplit(await browser.depart()).query)["state"][0]
    page = await browser.come_back({"error": "access_denied", "state": state})
    assert (page.status_code, "You cancelled the sign-in" in page.text) == (200, True)


@pytest.mark.parametrize("language", ["de", "es", "fr"])
async def test_the_pages_are_translated(browser, idp, language):
    idp.down = True
    await browser.get("/staff/sign-in/openid")
    page = await browser.get("/staff/sign-in?openid=unavailable", **{"Accept-Language": language})
    assert "We can’t reach" not in page.text
    assert "Riverside" in page.text


async def test_no_page_or_address_contains_the_clients_secret(linking_pages, idp):
    browser = Browser(linking_pages, idp)
    address = await browser.depart()
    response = await browser.come_back(idp.authorize(address, clock.now(), **MIA))
    for text in (address, response.text, *browser.cookies.values()):
        assert CLIENT_SECRET not in text
