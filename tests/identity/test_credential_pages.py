"""Users set passwords on pages that work without JavaScript."""

import re
from datetime import timedelta

import pytest

from appoint.http.access import COOKIE
from appoint.kit import clock
from support.accounts import NEW_PASSWORD, link_token, mailed_tokens, set_password
from support.matrix import for_each
from support.staff import ANOTHER, add_user, sign_in, works_at


async def test_a_password_can_be_set_on_a_page_without_javascript(db, client, mia):
    token = await link_token(db)
    page = await client.get(f"/credentials/{token}", headers={"Accept-Language": "de"})
    assert (page.status_code, page.headers["Cache-Control"], "<script" in page.text) == (200, "no-store", False)
    assert "Passwort wählen" in page.text
    (action,), (form_token,) = (
        re.findall(r'action="([^"]+)"', page.text),
        re.findall(r'name="token" value="([^"]+)"', page.text),
    )
    weak = await client.post(
        action, data={"token": form_token, "password": "mia@example.org"}, headers={"Accept-Language": "de"}
    )
    assert (weak.status_code, "ist zu leicht zu erraten" in weak.text, "mia@example.org" in weak.text) == (
        400,
        True,
        False,
    )
    confirmation = await client.post(action, data={"token": form_token, "password": NEW_PASSWORD})
    assert (confirmation.status_code, "Your password is set" in confirmation.text) == (200, True)
    assert (await sign_in(client, password=NEW_PASSWORD)).status_code == 201
    record = await db.fetchrow("select action, subjects from audit_unsealed where action like 'setCredentials%'")
    assert (record.action, record.subjects) == ("setCredentialsByForm", [str(mia)])


async def test_someone_who_chooses_their_first_password_is_welcomed_and_signed_in(db, client, mia):
    await works_at(db, await add_user(db, "new@example.org", password=None, name="Nora New"), role="receptionist")
    token = await link_token(db, "new@example.org", kind="invitation")
    page = (await client.get(f"/credentials/{token}")).text
    assert ("Welcome, Nora New" in page, "new@example.org" in page) == (True, True)
    weak = await client.post("/credentials", data={"token": token, "password": "new-new-new-new"})
    assert (weak.status_code, "Welcome, Nora New" in weak.text) == (400, True)
    done = await client.post("/credentials", data={"token": token, "password": NEW_PASSWORD})
    assert (done.status_code, done.headers["Location"]) == (303, "/staff")
    session = done.headers["Set-Cookie"].partition(f"{COOKIE}=")[2].partition(";")[0]
    account = await client.get("/api/account", headers={"Authorization": f"Bearer {session}"})
    assert account.json()["name"] == "Nora New"


async def test_the_page_for_an_invalid_link_explains_why_and_offers_a_new_one(db, client, mia, office):
    used, old = await link_token(db), await link_token(db, now=clock.now() - timedelta(days=8))
    for token, status, title in ((old, 409, "This link has expired"), ("nonsense", 404, "This link is incomplete")):
        page = await client.get(f"/credentials/{token}")
        assert (page.status_code, title in page.text, 'action="/password-reset"' in page.text) == (status, True, True)
    await set_password(client, used)
    for page in (
        await client.get(f"/credentials/{used}"),
        await client.post("/credentials", data={"token": used, "password": ANOTHER}),
    ):
        assert (page.status_code, "This link has already been used" in page.text) == (409, True)
    responses = [
        await client.post("/password-reset", data={"email": email})
        for email in (" Mia@example.org ", "unknown@example.org")
    ]
    assert (responses[0].status_code, responses[0].text) == (200, responses[1].text)
    assert len(await mailed_tokens(office)) == 1


@for_each(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"token=%00&password=%00",
        b"password=" + b"x" * 5000,
        b"&".join([b"a=b"] * 50),
        b"email=%00",
        b"token=%ff&password=%ff",
    ],
)
@pytest.mark.parametrize("path", ["/credentials", "/password-reset"])
async def test_a_malformed_form_does_not_cause_a_server_error(client, path, content):
    response = await client.post(path, content=content, headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert response.status_code in (200, 400, 404)


async def test_a_page_does_not_echo_its_token(client):
    page = await client.get("/credentials/%3Cb%3Ex")
    assert "<b>" not in page.text
