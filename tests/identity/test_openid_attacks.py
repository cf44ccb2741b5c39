"""Attacks on signing in through the OpenID provider."""

from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from appoint.identity.oidc.attempts import ATTEMPT_TTL
from appoint.kit import clock
from support.audit import unsealed
from support.openid_pages import ATTEMPT, CALLBACK, Browser
from support.staff import add_user

MIA = {"sub": "mia", "email": "mia@example.org", "email_verified": True}


@pytest.fixture
def browser(linking_pages, idp):
    return Browser(linking_pages, idp)


def answer_to(idp, address, **claims):
    return idp.authorize(address, clock.now(), **(MIA | claims))


async def expect_refusal(browser, response, status=400):
    assert (response.status_code, browser.is_signed_in, ATTEMPT in browser.cookies) == (status, False, False)


async def test_another_site_cannot_sign_a_visitor_in_to_the_attackers_account(browser, linking_pages, idp):
    attacker = Browser(linking_pages, idp)
    answer = answer_to(idp, await attacker.depart())
    await expect_refusal(browser, await browser.come_back(answer))
    await browser.depart()  # not even if the visitor has started an attempt
    await expect_refusal(browser, await browser.come_back(answer))


async def test_another_site_cannot_start_a_sign_in(browser):
    response = await browser.get("/staff/sign-in/openid?next=/staff/1/day", **{"Sec-Fetch-Site": "cross-site"})
    assert response.headers["Location"] == "/staff/sign-in?next=%2Fstaff%2F1%2Fday"
    assert ATTEMPT not in browser.cookies


async def test_a_response_works_only_once(browser):
    address = await browser.depart()
    cookies = dict(browser.cookies)
    answer = answer_to(browser.idp, address)
    assert (await browser.come_back(answer)).status_code == 303
    browser.cookies = cookies
    codes = answer_to(browser.idp, address)  # not even with a new code
    await expect_refusal(browser, await browser.come_back(codes | {"state": answer["state"]}))


async def test_a_code_works_only_once(browser, linking_pages, idp):
    answer = answer_to(idp, await browser.depart())
    await browser.come_back(answer)
    other = Browser(linking_pages, idp)
    state = parse_qs(urlsplit(await other.depart()).query)["state"][0]
    await expect_refusal(other, await other.come_back({"code": answer["code"], "state": state}))


async def test_a_code_that_another_browser_requested_is_refused(browser, linking_pages, idp):
    """The attacker has stolen the victim's code, and tries to redeem it in an attempt of their own."""
    stolen = answer_to(idp, await Browser(linking_pages, idp).depart())
    state = parse_qs(urlsplit(await browser.depart()).query)["state"][0]
    await expect_refusal(browser, await browser.come_back({"code": stolen["code"], "state": state}))


@pytest.mark.parametrize("cookie", ["", "forged", "WyJzaWduLWluIl0.x"])
async def test_a_forged_attempt_is_refused(browser, cookie):
    answer = answer_to(browser.idp, await browser.depart())
    browser.cookies[ATTEMPT] = cookie
    await expect_refusal(browser, await browser.come_back(answer))


async def test_an_attempt_expires(browser, time):
    address = await browser.depart()
    time.passes(seconds=ATTEMPT_TTL.total_seconds())
    await expect_refusal(browser, await browser.come_back(answer_to(browser.idp, address)))


async def test_a_response_from_another_provider_is_refused(browser, idp):
    answer = answer_to(idp, await browser.depart())
    await expect_refusal(browser, await browser.come_back(answer | {"iss": "https://evil.example"}))
    assert not any(path.endswith("/token") for path in idp.requests), "the code is not sent anywhere"


async def test_a_provider_that_names_itself_in_responses_must_always_do_so(browser, idp):
    idp.configuration = {"authorization_response_iss_parameter_supported": True}
    await expect_refusal(browser, await browser.come_back(answer_to(idp, await browser.depart())))
    answer = answer_to(idp, await browser.depart())
    assert (await browser.come_back(answer | {"iss": idp.issuer})).status_code == 303


WRONG_CLAIMS = {
    "another nonce": {"nonce": "replayed"},
    "no nonce": {"nonce": None},
    "a nonce that is a list": {"nonce": ["x"]},
    "another client's token": {"aud": "another"},
    "another client's token, shared with us": {"aud": ["another", "appoint-pages"]},
    "a token that another client requested": {"azp": "another"},
    "another issuer": {"iss": "https://evil.example"},
    "an expired token": {"exp": int((clock.now() - timedelta(minutes=5)).timestamp())},
    "no subject": {"sub": None},
}


@pytest.mark.parametrize("claims", WRONG_CLAIMS.values(), ids=WRONG_CLAIMS)
async def test_an_id_token_with_wrong_claims_is_refused(browser, claims):
    await expect_refusal(browser, await browser.come_back(answer_to(browser.idp, await browser.depart(), **claims)))


@pytest.mark.parametrize("verified", [False, None, "true", 1, []])
async def test_an_unverified_address_does_not_link_an_account(db, browser, verified):
    response = await browser.sign_in(**MIA | {"email_verified": verified})
    await expect_refusal(browser, response, status=403)
    assert await db.fetchval("select count(*) from user_identity") == 0
    assert [entry["reason"] for entry in await unsealed(db) if entry["action"] == "signInFailed"] == [
        "unlinked-identity"
    ]


async def test_a_verified_address_does_not_link_an_account_unless_the_setting_says_so(db, pages, idp):
    browser = Browser(pages, idp)
    await expect_refusal(browser, await browser.sign_in(**MIA), status=403)
    assert await db.fetchval("select count(*) from user_identity") == 0


async def test_a_second_identity_with_the_same_address_is_not_linked(browser, linking_pages, idp):
    await browser.sign_in(**MIA)
    other = Browser(linking_pages, idp)
    await expect_refusal(other, await other.sign_in(**MIA | {"sub": "someone else"}), status=403)


@pytest.mark.parametrize("linked", [True, False])
async def test_a_disabled_account_cannot_sign_in_and_the_page_does_not_say_why(db, browser, linked):
    if linked:
        await browser.sign_in(**MIA)
        browser.cookies.clear()
    unknown = await browser.sign_in(sub="unknown")
    await db.execute("update app_user set disabled_at = now()")
    response = await browser.sign_in(**MIA)
    await expect_refusal(browser, response, status=403)
    assert response.text == unknown.text
    assert "disabled-account" in [entry["reason"] for entry in await unsealed(db)]


@pytest.mark.parametrize(
    "target", ["https://evil.example", "//evil.example", "/\\evil.example", "\\/evil.example", "javascript:alert(1)"]
)
async def test_the_page_after_signing_in_is_never_on_another_site(browser, target):
    response = await browser.sign_in(f"/staff/sign-in/openid?{urlencode({'next': target})}", **MIA)
    assert response.headers["Location"] == "/staff"


async def test_a_long_address_to_continue_to_does_not_overflow_the_cookie(browser):
    response = await browser.sign_in(f"/staff/sign-in/openid?next=/{'x' * 4000}", **MIA)
    assert (response.headers["Location"], browser.is_signed_in) == ("/staff", True)


async def test_signing_in_creates_a_new_session_and_ends_the_previous_one(browser):
    browser.cookies["__Host-appoint"] = "aps_planted"
    await browser.sign_in(**MIA)
    first = dict(browser.cookies)
    assert first["__Host-appoint"] != "aps_planted"
    await browser.sign_in(**MIA)
    browser.cookies = first
    assert (await browser.get("/api/account")).status_code == 401


@pytest.mark.parametrize(
    "endpoint", [b"", b"{}", b"[]", b'{"id_token": 7}', b'{"id_token": "eyJ"}', b"\xff", b"x" * 600_000, 401, 404]
)
async def test_a_broken_response_from_the_provider_does_not_sign_anyone_in(browser, idp, monkeypatch, endpoint):
    answer = answer_to(idp, await browser.depart())
    result = (endpoint, b"{}") if isinstance(endpoint, int) else (200, endpoint)
    monkeypatch.setattr(idp, "redeem", lambda *_: result)
    response = await browser.come_back(answer)
    assert (response.status_code in (400, 503), browser.is_signed_in) == (True, False)


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint"])
@pytest.mark.parametrize("address", ["http://login.example.org/x", "", None, 7, "javascript:alert(1)"])
async def test_an_unsafe_endpoint_is_not_used(browser, idp, name, address):
    idp.configuration = {name: address}
    page = await browser.visit("/staff/sign-in/openid")
    assert (page.status_code, ATTEMPT in browser.cookies) == (503, False)


@pytest.mark.parametrize("query", ["", "?state=", "?code=x", "?state=x&code=y", "?error=server_error"])
async def test_a_response_without_an_attempt_leads_to_the_sign_in_page(browser, query):
    page = await browser.visit(CALLBACK + query)
    assert (page.status_code, "Please try again" in page.text) == (400, True)


async def test_failed_sign_ins_are_recorded_for_the_users_clinics(db, browser):
    await add_user(db, "other@example.org")
    await browser.sign_in(**MIA)
    await db.execute("update app_user set disabled_at = now() where email = 'mia@example.org'")
    browser.cookies.clear()
    await browser.sign_in(**MIA)
    failures = [entry for entry in await unsealed(db) if entry["action"] == "signInFailed"]
    assert sorted(entry["clinic_id"] for entry in failures) == [0, 1]
