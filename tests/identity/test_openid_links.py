"""Users link their account to their account with the OpenID provider, and use this to prove that they are present."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from appoint.http.access import PROOF_TTL
from appoint.kit import clock
from support.audit import unsealed
from support.openid_pages import ATTEMPT, Browser
from support.staff import PASSWORD, add_user

LINK = "/staff/account/openid"
KEYS = "/api/clinics/1/apiKeys"
KEY = {"name": "Portal", "scopes": ["see-appointments"]}


@pytest.fixture
async def signed_in(browser):
    """Mia's browser, signed in with her password."""
    await browser.post("/staff/sign-in", email="mia@example.org", password=PASSWORD)
    assert browser.is_signed_in
    return browser


async def provider_page(browser) -> str:
    """Return the address that the page links to."""
    page = await browser.get(LINK)
    (address,) = re.findall(rf'href="({browser.idp.issuer}/authorize[^"]*)"', page.text)
    return address.replace("&amp;", "&")


async def link(browser, **claims):
    return await browser.come_back(browser.idp.authorize(await provider_page(browser), clock.now(), **claims))


async def mailed_subjects(office) -> list[str]:
    office.post.messages.clear()
    await office.plan_and_send(clock.now())
    return [message.subject for message in office.post.messages]


async def test_a_signed_in_user_links_their_account_and_then_signs_in_without_a_password(db, signed_in, pages, office):
    assert "Sign in with Riverside" in (await signed_in.get("/staff/account/security")).text
    assert (await link(signed_in, sub="mia")).headers["Location"] == LINK
    assert "Your account is linked" in (await signed_in.get(LINK)).text
    assert await mailed_subjects(office) == ["Single sign-on is on for your account"]
    assert "linkOpenId" in [entry["action"] for entry in await unsealed(db)]
    browser = Browser(pages, signed_in.idp)
    await browser.sign_in(sub="mia")
    assert (await browser.get("/api/account")).json()["email"] == "mia@example.org"


async def test_linking_requires_a_recent_password_and_a_new_sign_in_at_the_provider(signed_in, time):
    query = parse_qs(urlsplit(await provider_page(signed_in)).query)
    assert (query["prompt"], query["max_age"]) == (["login"], ["0"])
    time.passes(seconds=PROOF_TTL.total_seconds())
    page = await signed_in.get(LINK)
    assert page.headers["Location"] == "/staff/confirm?next=%2Fstaff%2Faccount%2Fopenid"


async def test_an_attempt_cannot_link_the_account_of_whoever_is_signed_in_now(db, signed_in):
    answer = signed_in.idp.authorize(await provider_page(signed_in), clock.now(), sub="attacker")
    await add_user(db, "other@example.org")
    await signed_in.post("/staff/sign-in", email="other@example.org", password=PASSWORD)
    assert (await signed_in.come_back(answer)).status_code == 400
    assert await db.fetchval("select count(*) from user_identity") == 0


async def test_a_sign_in_does_not_link_accounts(db, signed_in):
    answer = signed_in.idp.authorize(await signed_in.depart(), clock.now(), sub="attacker")
    query = f"code={answer['code'].replace(' ', '+')}&state={answer['state']}"
    assert (await signed_in.visit(f"/staff/openid/return?{query}")).status_code == 400
    assert await db.fetchval("select count(*) from user_identity") == 0


async def test_linking_requires_a_session_when_the_user_comes_back(db, signed_in):
    answer = signed_in.idp.authorize(await provider_page(signed_in), clock.now(), sub="attacker")
    signed_in.cookies = {ATTEMPT: signed_in.cookies[ATTEMPT]}
    page = await signed_in.come_back(answer)
    assert (page.status_code, 'name="password"' in page.text) == (200, True)
    assert await db.fetchval("select count(*) from user_identity") == 0


async def test_an_identity_is_linked_to_only_one_account(db, signed_in, pages):
    await link(signed_in, sub="mia")
    await add_user(db, "other@example.org")
    other = Browser(pages, signed_in.idp)
    await other.post("/staff/sign-in", email="other@example.org", password=PASSWORD)
    response = await link(other, sub="mia")
    assert (response.status_code, "already linked" in response.text) == (409, True)


async def test_a_removed_link_no_longer_signs_in(db, signed_in, pages, office):
    await link(signed_in, sub="mia")
    await mailed_subjects(office)
    form = (await signed_in.get(LINK)).text
    csrf = re.findall(r'name="csrf" value="([^"]+)"', form)[0]
    assert (await signed_in.post(f"{LINK}/unlink", csrf=csrf)).headers["Location"] == LINK
    assert await mailed_subjects(office) == ["Single sign-on is off for your account"]
    assert "unlinkOpenId" in [entry["action"] for entry in await unsealed(db)]
    assert (await Browser(pages, signed_in.idp).sign_in(sub="mia")).status_code == 403


async def test_removing_a_link_requires_the_csrf_token(db, signed_in):
    await link(signed_in, sub="mia")
    cookie = "; ".join(f"{name}={value}" for name, value in signed_in.cookies.items())
    response = await signed_in.client.post(f"{LINK}/unlink", headers={"Cookie": cookie})
    assert response.status_code == 403
    assert await db.fetchval("select count(*) from user_identity") == 1


async def create_key(browser):
    csrf = re.findall(r'data-csrf="([^"]+)"', (await browser.get("/staff/account")).text)[0]
    cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    headers = {"Cookie": cookie, "X-CSRF-Token": csrf}
    return (await browser.client.post(KEYS, json=KEY, headers=headers)).status_code


def seconds(instant) -> int:
    return int(instant.timestamp())


async def test_a_new_sign_in_at_the_provider_is_proof_that_the_user_is_there(signed_in, time):
    await link(signed_in, sub="mia")
    time.passes(seconds=PROOF_TTL.total_seconds())
    assert await create_key(signed_in) == 403
    page = await signed_in.get("/staff/confirm?next=/staff/1/keys")
    assert "Confirm with Riverside" in page.text
    path = "/staff/confirm/openid?next=/staff/1/keys"
    response = await signed_in.sign_in(path, sub="mia", auth_time=seconds(time.now))
    assert response.headers["Location"] == "/staff/1/keys"
    assert await create_key(signed_in) == 201


async def test_an_earlier_sign_in_at_the_provider_does_not_count_as_proof(signed_in, time):
    await link(signed_in, sub="mia")
    time.passes(seconds=PROOF_TTL.total_seconds())
    for auth_time in (seconds(time.now) - 120, None, True, "now"):
        response = await signed_in.sign_in("/staff/confirm/openid?next=/staff/1/keys", sub="mia", auth_time=auth_time)
        assert response.headers["Location"] == "/staff/confirm?next=%2Fstaff%2F1%2Fkeys&openid=failed"
        assert await create_key(signed_in) == 403


async def test_someone_elses_sign_in_at_the_provider_does_not_count_as_proof(signed_in, time):
    await link(signed_in, sub="mia")
    time.passes(seconds=PROOF_TTL.total_seconds())
    await signed_in.sign_in("/staff/confirm/openid", sub="someone else", auth_time=seconds(time.now))
    assert await create_key(signed_in) == 403


async def test_a_session_from_an_old_sign_in_at_the_provider_requires_proof(signed_in, pages, time):
    await link(signed_in, sub="mia")
    for auth_time, status in ((seconds(time.now), 201), (seconds(time.now) - 3600, 403), (None, 403)):
        browser = Browser(pages, signed_in.idp)
        await browser.sign_in(sub="mia", auth_time=auth_time)
        assert await create_key(browser) == status, auth_time
