"""Users of clinics: how they are invited, what they do about their own accounts, and how none of that lets somebody
else in."""

import asyncio
import io
import json
import re
import unicodedata
from datetime import timedelta
from functools import partial

import pyotp
import pytest

from appoint.identity import passwords
from appoint.identity.accounts import credentials, repository
from appoint.identity.encryption import decrypt, encrypt
from appoint.kit import clock
from appoint.kit.signed_tokens import sign
from appoint.messaging.notifications.gateway import Links, compose
from support.app import ADMIN, settings
from support.post import Office, Post
from support.rows import clinic, doctor
from support.staff import ANOTHER, PASSWORD, SECRET, add_user, bearer, sign_in, type_of, works_at

INVITED = {"email": "New.User@example.org", "name": "Nora New", "role": "receptionist"}
GOOD = "seven swans swim slowly"
USERS = "/api/clinics/1/users"


@pytest.fixture
async def mia(db, client):
    """The manager of the one clinic there is."""
    await clinic(client)
    user_id = await add_user(db)
    await works_at(db, user_id)
    return user_id


@pytest.fixture
async def manager(client, mia):
    """The headers of Mia's requests."""
    return await bearer(client)


@pytest.fixture
def office(db):
    office = Office(db, Post())
    office.sending = office.sending._replace(
        writer=partial(compose, links=Links("https://appoint.example", SECRET, "appointments@appoint.example"))
    )
    return office


async def links(office) -> list[str]:
    """The tokens of the links that were mailed since the last time."""
    office.post.taken.clear()
    await office.tell(clock.now())
    return [match[1] for message in office.post.taken if (match := re.search(r"/credentials/(\S+)", message.text))]


async def link(db, email="mia@example.org", kind="password-reset", now=None) -> str:
    user_id = await repository.find_id(db, email)
    return credentials.link_token(SECRET, kind, await repository.find_user(db, user_id), now or clock.now())


async def take_up(client, token, password=GOOD):
    return await client.post("/api/credentials", json={"token": token, "password": password})


# inviting


async def test_who_is_invited_chooses_a_password_and_works(client, manager, office):
    made = await client.post(USERS, json=INVITED, headers=manager)
    user = made.json()
    assert (made.status_code, made.headers["Location"]) == (201, f"{USERS}/{user['id']}")
    assert set(user) == {
        "id",
        "clinicId",
        "name",
        "email",
        "role",
        "doctorId",
        "joinedAt",
        "version",
        "createdAt",
        "updatedAt",
    }
    assert (user["email"], user["joinedAt"]) == ("new.user@example.org", None)
    (token,) = await links(office)
    assert (await take_up(client, token)).json() == {"email": "new.user@example.org"}
    own = await bearer(client, "new.user@example.org", GOOD)
    assert (await client.get("/api/clinics/1/bookings", headers=own)).status_code == 200
    assert (await client.get(USERS, headers=own)).status_code == 403
    seen = (await client.get(f"{USERS}/{user['id']}", headers=manager)).json()
    assert seen["joinedAt"] is not None


async def test_whether_somebody_had_an_account_already_shows_nowhere(db, client, manager, office):
    await add_user(db, "known@example.org", name="Private Name")
    answers = {}
    for email in ("known@example.org", "unknown@example.org"):
        made = await client.post(USERS, json=INVITED | {"email": email}, headers=manager)
        seen = (await client.get(f"{USERS}/{made.json()['id']}", headers=manager)).json()
        answers[email] = {
            name: value for name, value in seen.items() if name not in ("id", "email", "createdAt", "updatedAt")
        }
    assert answers["known@example.org"] == answers["unknown@example.org"]
    assert "Private Name" not in json.dumps(answers)
    assert len(await links(office)) == 2


async def test_one_account_works_at_several_clinics(db, client, mia):
    await clinic(client)
    await client.post("/api/clinics/2/users", json=INVITED | {"email": "MIA@example.org"}, headers=ADMIN)
    account = (await client.get("/api/account", headers=await bearer(client))).json()
    assert [(place["clinicId"], place["role"]) for place in account["memberships"]] == [
        (1, "manager"),
        (2, "receptionist"),
    ]


async def test_nobody_is_invited_twice(client, manager):
    assert (await client.post(USERS, json=INVITED, headers=manager)).status_code == 201
    assert type_of(await client.post(USERS, json=INVITED | {"email": "NEW.USER@EXAMPLE.ORG"}, headers=manager)) == (
        409,
        "already-member",
    )


async def test_of_two_who_invite_somebody_at_once_one_does(db, client, manager):
    answers = await asyncio.gather(*(client.post(USERS, json=INVITED, headers=manager) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 4]
    assert await db.fetchval("select count(*) from app_user where email like 'new%'") == 1


async def test_a_repeated_invitation_is_one(db, client, manager, office):
    answers = [await client.post(USERS, json=INVITED, headers=manager | {"Idempotency-Key": "once"}) for _ in range(2)]
    assert (answers[0].json(), answers[1].headers["Idempotent-Replayed"]) == (answers[1].json(), "true")
    assert len(await links(office)) == 1


async def test_an_invitation_is_mailed_again_until_it_is_taken_up(client, manager, office):
    user_id = (await client.post(USERS, json=INVITED, headers=manager)).json()["id"]
    assert (await client.post(f"{USERS}/{user_id}/invitation", headers=manager)).status_code == 200
    first, second = await links(office)
    assert (await take_up(client, first)).status_code == 200
    assert type_of(await take_up(client, second)) == (409, "link-used")
    await sign_in(client, INVITED["email"], GOOD)
    assert type_of(await client.post(f"{USERS}/{user_id}/invitation", headers=manager)) == (409, "already-joined")


async def test_a_doctors_account_is_tied_to_a_doctor_of_the_clinic(client, manager):
    await clinic(client)
    own, other = await doctor(client), await doctor(client, 2)
    asked = INVITED | {"role": "doctor"}
    assert (await client.post(USERS, json=asked, headers=manager)).json()["errors"][0]["pointer"] == "#/doctorId"
    assert (await client.post(USERS, json=asked | {"doctorId": other}, headers=manager)).status_code == 404
    made = await client.post(USERS, json=asked | {"doctorId": own}, headers=manager)
    assert (made.status_code, made.json()["doctorId"]) == (201, own)
    address = made.headers["Location"]
    assert (await client.patch(address, json={"doctorId": None}, headers=manager)).status_code == 400
    changed = await client.patch(address, json={"doctorId": None, "role": "receptionist"}, headers=manager)
    assert (changed.json()["role"], changed.json()["version"]) == ("receptionist", 2)
    assert (await client.patch(address, json={"doctorId": other}, headers=manager)).status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"role": "administrator"},
        {"role": "patient"},
        {"email": "nobody"},
        {"name": " "},
        {"administrator": True},
        {"doctorId": "me"},
        {"clinicId": 2},
    ],
)
async def test_nobody_is_invited_as_what_there_is_not(client, manager, wrong):
    assert (await client.post(USERS, json=INVITED | wrong, headers=manager)).status_code == 400


async def test_a_manager_invites_to_the_own_clinic_alone(db, client, manager):
    await clinic(client)
    there = await add_user(db, "there@example.org")
    await works_at(db, there, 2)
    assert (await client.post("/api/clinics/2/users", json=INVITED, headers=manager)).status_code == 404
    for method, path in (
        ("get", ""),
        ("get", f"/{there}"),
        ("patch", f"/{there}"),
        ("delete", f"/{there}"),
        ("post", f"/{there}/invitation"),
    ):
        body = {"json": {"role": "manager"}} if method == "patch" else {}
        assert (await client.request(method, f"/api/clinics/2/users{path}", headers=manager, **body)).status_code == 404
        assert not path or (await client.request(method, f"{USERS}{path}", headers=manager, **body)).status_code == 404
    assert await db.fetchval("select role from membership where user_id = $1", there) == "manager"


async def test_a_clinic_always_keeps_a_manager(client, mia, manager):
    own = f"{USERS}/{mia}"
    assert type_of(await client.patch(own, json={"role": "receptionist"}, headers=manager)) == (409, "last-manager")
    assert type_of(await client.delete(own, headers=manager)) == (409, "last-manager")
    other = (await client.post(USERS, json=INVITED | {"role": "manager"}, headers=manager)).headers["Location"]
    assert (await client.delete(own, headers=manager)).status_code == 204
    assert type_of(await client.delete(other, headers=ADMIN)) == (409, "last-manager")


async def test_two_managers_who_remove_each_other_do_not_both(db, client, mia, manager):
    other = await add_user(db, "other@example.org")
    await works_at(db, other)
    others = await bearer(client, "other@example.org")
    answers = await asyncio.gather(
        client.delete(f"{USERS}/{other}", headers=manager), client.delete(f"{USERS}/{mia}", headers=others)
    )
    assert min(answer.status_code for answer in answers) == 204
    assert await db.fetchval("select count(*) from membership where role = 'manager'") == 1


async def test_who_was_removed_can_do_nothing_from_then_on(client, manager):
    made = await client.post(USERS, json=INVITED | {"role": "manager"}, headers=manager)
    assert (await client.delete(made.headers["Location"], headers=manager)).status_code == 204
    assert (await client.get(made.headers["Location"], headers=manager)).status_code == 404
    assert [user["email"] for user in (await client.get(USERS, headers=manager)).json()["items"]] == ["mia@example.org"]


async def test_a_list_of_users_goes_on_where_it_ended(client, manager):
    for number in range(3):
        await client.post(USERS, json=INVITED | {"email": f"user{number}@example.org"}, headers=manager)
    seen, query = [], {"limit": 2}
    while query:
        page = (await client.get(USERS, params=query, headers=manager)).json()
        seen += [user["email"] for user in page["items"]]
        query = page["next"] and {"limit": 2, "cursor": page["next"]}
    assert seen == ["mia@example.org", *(f"user{number}@example.org" for number in range(3))]


async def test_another_version_than_the_one_that_was_read_is_not_changed(client, mia, manager):
    assert (
        await client.patch(f"{USERS}/{mia}", json={"name": "Mia"}, headers=manager | {"If-Match": '"v7"'})
    ).status_code == 412
    assert (await client.patch(f"{USERS}/{mia}", json={"name": "Mia"}, headers=manager | {"If-Match": '"v1"'})).json()[
        "name"
    ] == "Mia"


# links


async def test_a_link_is_good_once(db, client, mia):
    first, second = await link(db), await link(db, kind="invitation")
    assert (await take_up(client, first)).status_code == 200
    assert type_of(await take_up(client, first, ANOTHER)) == (409, "link-used")
    assert type_of(await take_up(client, second, ANOTHER)) == (409, "link-used")
    assert (await sign_in(client, password=GOOD)).status_code == 201


async def test_of_many_who_use_a_link_at_once_one_sets_the_password(db, client, mia):
    token = await link(db)
    answers = await asyncio.gather(
        *(take_up(client, token, f"{word} swans swim slowly") for word in ("seven", "eight", "nine", "ten"))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]


@pytest.mark.parametrize(("kind", "lasts"), [("invitation", timedelta(days=7)), ("password-reset", timedelta(hours=1))])
async def test_a_link_that_is_too_old_is_good_no_more(db, client, mia, kind, lasts):
    assert type_of(
        await take_up(client, await link(db, kind=kind, now=clock.now() - lasts - timedelta(seconds=1)))
    ) == (409, "link-expired")
    assert (
        await take_up(client, await link(db, kind=kind, now=clock.now() - lasts + timedelta(minutes=1)))
    ).status_code == 200


async def test_a_link_that_we_have_not_made_is_nobodys(db, client, mia):
    good = await link(db)
    read = [str(mia), 1, 2**33]
    forged = [
        "",
        "x",
        good[:-1],
        good[1:],
        good.swapcase(),
        sign("another secret", "password-reset", read),
        sign(SECRET, "unsubscribe", read),
    ]
    assert [type_of(await take_up(client, token)) for token in forged] == [(404, "not-found")] * len(forged)


async def test_a_link_ends_all_sessions(db, client, mia, manager):
    await take_up(client, await link(db))
    assert (await client.get("/api/account", headers=manager)).status_code == 401


async def test_a_link_does_not_set_codes_aside(db, client, mia):
    await db.execute("update app_user set totp_secret = $1, totp_confirmed_at = now()", b"sealed")
    await take_up(client, await link(db))
    assert type_of(await sign_in(client, password=GOOD)) == (401, "totp-required")


async def test_asking_for_a_link_tells_nobody_who_has_an_account(db, client, mia, office):
    answers = [
        await client.post("/api/passwordResets", json={"email": email})
        for email in ("MIA@example.org", "nobody@example.org")
    ]
    assert {(answer.status_code, answer.text) for answer in answers} == {(200, '{"minutes":60}')}
    (token,) = await links(office)
    assert (await take_up(client, token)).status_code == 200


async def test_as_many_statements_run_for_an_address_that_nobody_has(db, client, mia, monkeypatch):
    from appoint.database import pool

    statements: list[str] = []
    run = pool.Transaction.run
    monkeypatch.setattr(
        pool.Transaction, "run", lambda self, method, sql, args: statements.append(sql) or run(self, method, sql, args)
    )
    seen = []
    for email in ("mia@example.org", "nobody@example.org"):
        statements.clear()
        await client.post("/api/passwordResets", json={"email": email})
        seen.append(list(statements))
    assert seen[0] == seen[1]


# passwords


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "elevenchars",
        "x" * 129,
        "password1234",
        "Passwort12345!",
        "passwordpassword",
        "qwertyuiop123",
        "123456789012",
        "aaaaaaaaaaaaaaaa",
        "abcabcabcabcabc",
        "mia@example.org",
        "MiaKlein2027!",
        "miaklein1990abc",
        "Sommer2026!!!",
        "111122223333",
        "appoint-clinic-2026",
    ],
)
def test_a_password_that_others_try_first_is_refused(password):
    assert passwords.faults(password, "#/password", about=("mia@example.org", "Mia Klein")) != []


@pytest.mark.parametrize(
    "password",
    [
        PASSWORD,
        ANOTHER,
        GOOD,
        "xkQ7_vr2-Lp0zt",
        "Grüße an Gänseblümchen",
        "🦆🐢🐇🐈🐕🐎🐄🐖🐑🐐🐓🦢",
        "ぬるぽがっぬるぽがっ猫と犬",
        "x9!" * 2 + "Kd82mQ" * 2,
    ],
)
def test_a_password_of_any_letters_is_good_that_nobody_guesses(password):
    assert passwords.faults(password, "#/password", about=("mia@example.org", "Mia Klein")) == []


def test_letters_are_counted_as_people_count_them():
    assert passwords.faults(unicodedata.normalize("NFD", "ä" * 50 + "öüßéèêñçøåæ" * 7), "", about=()) == []


async def test_a_weak_password_is_refused_wherever_one_is_chosen_and_the_link_stays_good(db, client, mia, manager):
    token = await link(db)
    refused = await take_up(client, token, "mia@example.org")
    assert refused.json()["errors"] == [{"pointer": "#/password", "detail": "is too easy to guess"}]
    assert (
        await client.put("/api/account/password", json={"current": PASSWORD, "new": "12345678"}, headers=manager)
    ).json()["errors"][0]["pointer"] == "#/new"
    assert (await take_up(client, token)).status_code == 200


async def test_another_password_ends_all_other_sessions(client, manager):
    there = await bearer(client)
    changed = await client.put("/api/account/password", json={"current": PASSWORD, "new": ANOTHER}, headers=manager)
    assert changed.status_code == 204
    assert [(await client.get("/api/account", headers=who)).status_code for who in (manager, there)] == [200, 401]
    assert [(await sign_in(client, password=password)).status_code for password in (PASSWORD, ANOTHER)] == [401, 201]


async def test_who_finds_a_browser_signed_in_cannot_change_the_password(client, manager):
    refused = await client.put("/api/account/password", json={"current": "not it", "new": ANOTHER}, headers=manager)
    assert (refused.status_code, refused.json()["errors"][0]["detail"]) == (400, "is not your current password")
    assert (await sign_in(client)).status_code == 201


async def test_guesses_from_inside_a_session_count_as_those_from_outside_do(client, manager):
    paths = [
        ("PUT", "/api/account/password", {"current": "not it", "new": ANOTHER}),
        ("POST", "/api/account/totp/remove", {"password": "not it"}),
    ]
    answers = [
        await client.request(method, path, json=body, headers=manager) for _ in range(4) for method, path, body in paths
    ]
    assert [answer.status_code for answer in answers] == [400] * 5 + [429] * 3


# one's own account


async def test_one_changes_ones_own_name_and_language(client, manager):
    seen = await client.get("/api/account", headers=manager)
    changed = await client.patch(
        "/api/account", json={"name": "Mia Groß", "locale": "de"}, headers=manager | {"If-Match": seen.headers["ETag"]}
    )
    assert (changed.json()["name"], changed.json()["locale"]) == ("Mia Groß", "de")
    assert (
        await client.patch("/api/account", json={"locale": None}, headers=manager | {"If-Match": seen.headers["ETag"]})
    ).status_code == 412
    assert (await client.patch("/api/account", json={"locale": None}, headers=manager)).json()["locale"] is None
    assert (await client.patch("/api/account", json={"administrator": True}, headers=manager)).status_code == 400
    assert (await client.patch("/api/account", json={"email": "eve@example.org"}, headers=manager)).status_code == 400


async def test_the_token_of_the_settings_has_no_account_to_change(client):
    assert (await client.get("/api/account", headers=ADMIN)).json()["administrator"] is True
    assert (await client.patch("/api/account", json={"name": "Root"}, headers=ADMIN)).status_code == 403
    assert (await client.post("/api/account/totp", json={"password": PASSWORD}, headers=ADMIN)).status_code == 403


async def test_an_authenticator_counts_from_its_confirmation_on(client, manager):
    begun = await client.post(
        "/api/account/totp", json={"password": PASSWORD}, headers=manager | {"Idempotency-Key": "once"}
    )
    assert begun.headers["Cache-Control"] == "no-store"
    assert (await sign_in(client)).status_code == 201
    totp = pyotp.parse_uri(begun.json()["uri"])
    assert (totp.secret, totp.issuer, totp.name) == (begun.json()["secret"], "Appoint", "mia@example.org")
    now = clock.now()
    wrong = await client.post(
        "/api/account/totp/confirm", json={"code": totp.at(now + timedelta(hours=3))}, headers=manager
    )
    assert wrong.json()["errors"][0]["pointer"] == "#/code"
    assert (await client.post("/api/account/totp/confirm", json={"code": totp.at(now)}, headers=manager)).json()[
        "totp"
    ] is True
    assert type_of(await sign_in(client)) == (401, "totp-required")
    assert type_of(await sign_in(client, totp=totp.at(now))) == (
        401,
        "wrong-credentials",
    )  # the confirmation has used it
    assert (await sign_in(client, totp=totp.at(now + timedelta(seconds=30)))).status_code == 201
    assert type_of(await client.post("/api/account/totp", json={"password": PASSWORD}, headers=manager)) == (
        409,
        "totp-on",
    )
    assert type_of(await client.post("/api/account/totp/confirm", json={"code": totp.at(now)}, headers=manager)) == (
        409,
        "totp-on",
    )
    assert (
        await client.post("/api/account/totp/remove", json={"password": "not it"}, headers=manager)
    ).status_code == 400
    assert (await client.post("/api/account/totp/remove", json={"password": PASSWORD}, headers=manager)).json()[
        "totp"
    ] is False
    assert (await sign_in(client)).status_code == 201


async def test_an_authenticators_secret_is_shown_once_and_kept_sealed(db, client, mia, manager):
    answers = [
        await client.post(
            "/api/account/totp", json={"password": PASSWORD}, headers=manager | {"Idempotency-Key": "once"}
        )
        for _ in range(2)
    ]
    secrets = [answer.json()["secret"] for answer in answers]
    assert secrets[0] != secrets[1]
    assert await db.fetchval("select count(*) from request_key") == 0
    sealed = await db.fetchval("select totp_secret from app_user")
    assert secrets[1].encode() not in sealed
    assert decrypt(SECRET, f"totp {mia}", sealed) == secrets[1]


async def test_setting_an_authenticator_up_takes_the_password(client, manager):
    assert (await client.post("/api/account/totp", json={"password": "not it"}, headers=manager)).status_code == 400
    assert type_of(await client.post("/api/account/totp/confirm", json={"code": "123456"}, headers=manager)) == (
        409,
        "totp-not-begun",
    )


def test_what_is_sealed_for_one_purpose_or_key_is_not_read_with_another():
    sealed = encrypt("a key", "one", "a secret")
    assert [decrypt(*how, sealed) for how in (("a key", "one"), ("a key", "two"), ("another key", "one"))] == [
        "a secret",
        None,
        None,
    ]


# pages


async def test_a_password_is_chosen_on_a_page_without_a_script(db, client, mia):
    token = await link(db)
    page = await client.get(f"/credentials/{token}", headers={"Accept-Language": "de"})
    assert (page.status_code, page.headers["Cache-Control"], "<script" in page.text) == (200, "no-store", False)
    assert "Passwort wählen" in page.text
    (action,), (kept,) = (
        re.findall(r'action="([^"]+)"', page.text),
        re.findall(r'name="token" value="([^"]+)"', page.text),
    )
    weak = await client.post(
        action, data={"token": kept, "password": "mia@example.org"}, headers={"Accept-Language": "de"}
    )
    assert (weak.status_code, "ist zu leicht zu erraten" in weak.text, "mia@example.org" in weak.text) == (
        400,
        True,
        False,
    )
    done = await client.post(action, data={"token": kept, "password": GOOD})
    assert (done.status_code, "Your password is set" in done.text) == (200, True)
    assert (await sign_in(client, password=GOOD)).status_code == 201
    record = await db.fetchrow("select action, subjects from audit_unsealed where action like 'setCredentials%'")
    assert (record.action, record.subjects) == ("setCredentialsByForm", [str(mia)])


async def test_a_page_says_what_is_wrong_with_its_link_and_offers_another(db, client, mia, office):
    used, old = await link(db), await link(db, now=clock.now() - timedelta(days=8))
    for token, status, title in ((old, 409, "This link has expired"), ("nonsense", 404, "This link is incomplete")):
        page = await client.get(f"/credentials/{token}")
        assert (page.status_code, title in page.text, 'action="/password-reset"' in page.text) == (status, True, True)
    await take_up(client, used)
    for page in (
        await client.get(f"/credentials/{used}"),
        await client.post("/credentials", data={"token": used, "password": ANOTHER}),
    ):
        assert (page.status_code, "This link has already been used" in page.text) == (409, True)
    asked = [
        await client.post("/password-reset", data={"email": email})
        for email in (" Mia@example.org ", "nobody@example.org")
    ]
    assert (asked[0].status_code, asked[0].text) == (200, asked[1].text)
    assert len(await links(office)) == 1


@pytest.mark.parametrize(
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
async def test_a_form_that_no_browser_sends_does_no_harm(client, path, content):
    answer = await client.post(path, content=content, headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.status_code in (200, 400, 404)


async def test_pages_do_not_answer_by_what_the_token_holds(client):
    page = await client.get("/credentials/%3Cb%3Ex")
    assert "<b>" not in page.text


# second line


async def test_the_server_reads_no_hashes_and_no_tokens(db, client, mia, manager):
    app = client._transport.app
    for column in ("password_hash", "totp_secret"):
        with pytest.raises(Exception, match="permission denied"):
            await app.state.services.db.fetch(f"select {column} from app_user")
    with pytest.raises(Exception, match="permission denied"):
        await app.state.services.db.fetch("select token_hash from session")
    assert await app.state.services.db.fetch("select * from membership") == []


async def test_nothing_that_is_kept_for_repeats_or_the_record_holds_secrets(db, client, mia, manager, office):
    await client.post(USERS, json=INVITED, headers=manager | {"Idempotency-Key": "1"})
    (token,) = await links(office)
    for number, (path, body) in enumerate(
        [
            ("/api/credentials", {"token": token, "password": GOOD}),
            ("/api/passwordResets", {"email": "mia@example.org"}),
            ("/api/account/totp", {"password": PASSWORD}),
        ]
    ):
        assert (
            await client.post(
                path, json=body, headers=manager | {"Idempotency-Key": f"again {number}".replace(" ", "-")}
            )
        ).status_code == 200
    for table in ("request_key", "audit_unsealed", "event", "notification", "session"):
        rows = await db.fetchval(f"select coalesce(json_agg(t), '[]')::text from {table} t")
        assert [secret for secret in (token, GOOD, PASSWORD, "mia@example.org") if secret in rows] == [], table


# the command line


@pytest.fixture
def command(database_url, db, monkeypatch, capsys):
    """Run `appoint user …` in a process's stead: its loop must be its own, so it runs in a thread."""
    from appoint.cli import main, users

    monkeypatch.setenv("APPOINT_DATABASE_URL", database_url)
    monkeypatch.setenv("APPOINT_SECRET_KEY", SECRET)
    monkeypatch.setattr(users, "Settings", lambda: settings(database_url=database_url))

    async def run(*arguments, stdin=""):
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        failure = None

        def work():
            nonlocal failure
            try:
                main.app(["user", *arguments], result_action="return_value")
            except Exception as error:  # noqa: BLE001
                failure = error

        await asyncio.to_thread(work)
        said = capsys.readouterr()
        return said.out, said.err if failure is None else str(failure)

    return run


async def test_the_first_user_is_added_by_hand(db, client, command):
    await clinic(client)
    _, said = await command(
        "add",
        "--email",
        "Mia@example.org",
        "--name",
        "Mia Klein",
        "--clinic",
        "1",
        "--administrator",
        "--password-stdin",
        stdin=PASSWORD + "\n",
    )
    assert said == "Mia@example.org can sign in.\n"
    account = (await sign_in(client)).json()["account"]
    assert (account["administrator"], account["memberships"][0]["role"]) == (True, "manager")
    assert await db.fetchval("select actor from audit_unsealed where action = 'addUser'") == "command-line"
    assert (
        await command(
            "add", "--email", "mia@example.org", "--name", "Mia", "--clinic", "1", "--password-stdin", stdin=ANOTHER
        )
    )[1] == ("There is already a user with mia@example.org.")


@pytest.mark.parametrize(
    ("arguments", "stdin", "sentence"),
    [
        (
            ["--email", "mia@example.org", "--name", "Mia"],
            PASSWORD,
            "Name the clinic with --clinic, or use --administrator.",
        ),
        (["--email", "mia", "--name", "Mia", "--administrator"], PASSWORD, "“mia” cannot be an e-mail address."),
        (["--email", "mia@example.org", "--name", " ", "--administrator"], PASSWORD, "The name is empty."),
        (
            ["--email", "mia@example.org", "--name", "Mia", "--administrator"],
            "short",
            "The password must be 12 to 128 characters long.",
        ),
        (["--email", "mia@example.org", "--name", "Mia", "--clinic", "7"], PASSWORD, "There is no active clinic 7."),
        (
            ["--email", "mia@example.org", "--name", "Mia", "--clinic", "1", "--role", "doctor"],
            PASSWORD,
            "Name the doctor of the clinic with --doctor.",
        ),
    ],
)
async def test_what_cannot_be_meant_is_refused_in_a_sentence(db, client, command, arguments, stdin, sentence):  # noqa: PLR0917
    await clinic(client)
    assert (await command("add", *arguments, "--password-stdin", stdin=stdin))[1] == sentence
    assert await db.fetchval("select count(*) from app_user") == 0


async def test_a_user_is_invited_and_reset_by_hand(db, client, mia, command, office):
    _, said = await command(
        "invite", "--email", "new@example.org", "--name", "Nora", "--clinic", "1", "--role", "receptionist"
    )
    assert said == "The worker mails new@example.org an invitation.\n"
    assert len(await links(office)) == 1
    await command("reset", "mia@example.org")
    assert len(await links(office)) == 1
    printed, _ = await command("reset", "MIA@example.org", "--print")
    assert await links(office) == []
    token = printed.strip().rpartition("/credentials/")[2]
    assert (await take_up(client, token)).status_code == 200
    assert (await command("reset", "nobody@example.org"))[1] == "There is no user with nobody@example.org."


async def test_a_lost_authenticator_is_forgotten_by_hand(db, client, mia, command):
    await db.execute("update app_user set totp_secret = $1, totp_confirmed_at = now()", b"sealed")
    await command("reset", "mia@example.org", "--without-totp")
    assert (await sign_in(client)).status_code == 201


async def test_users_are_listed_with_what_they_are_where(mia, command):
    (row,) = json.loads((await command("list", "--json"))[0])
    assert row == {
        "email": "mia@example.org",
        "name": "Mia Klein",
        "administrator": False,
        "has_password": True,
        "totp": False,
        "memberships": ["1 manager"],
    }
    assert "1 manager" in (await command("list", "--clinic", "1"))[0]
    assert (await command("list", "--clinic", "2"))[1] == "There are no users.\n"
