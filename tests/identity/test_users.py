"""Managers invite, change and remove their clinic's users."""

import asyncio
import json

from support.accounts import INVITATION, NEW_PASSWORD, USERS, mailed_tokens, set_password
from support.app import ADMIN
from support.matrix import for_each
from support.staff import add_user, bearer, sign_in, type_of, works_at
from support.world import create_clinic, create_doctor


async def test_an_invited_user_sets_a_password_and_gets_their_roles_access(client, manager, office):
    created = await client.post(USERS, json=INVITATION, headers=manager)
    user = created.json()
    assert (created.status_code, created.headers["Location"]) == (201, f"{USERS}/{user['id']}")
    assert set(user) == {
        "id",
        "clinicId",
        "name",
        "email",
        "role",
        "doctorId",
        "joinedAt",
        "disabledAt",
        "secondFactor",
        "version",
        "createdAt",
        "updatedAt",
    }
    assert (user["email"], user["joinedAt"]) == ("new.user@example.org", None)
    (token,) = await mailed_tokens(office)
    assert (await set_password(client, token)).json() == {"email": "new.user@example.org"}
    own = await bearer(client, "new.user@example.org", NEW_PASSWORD)
    assert (await client.get("/api/clinics/1/bookings", headers=own)).status_code == 200
    assert (await client.get(USERS, headers=own)).status_code == 403
    user_after = (await client.get(f"{USERS}/{user['id']}", headers=manager)).json()
    assert user_after["joinedAt"] is not None


async def test_an_invitation_does_not_reveal_whether_an_account_already_exists(db, client, manager, office):
    await add_user(db, "known@example.org", name="Private Name")
    responses = {}
    for email in ("known@example.org", "unknown@example.org"):
        created = await client.post(USERS, json=INVITATION | {"email": email}, headers=manager)
        user = (await client.get(f"{USERS}/{created.json()['id']}", headers=manager)).json()
        responses[email] = {
            name: value for name, value in user.items() if name not in ("id", "email", "createdAt", "updatedAt")
        }
    assert responses["known@example.org"] == responses["unknown@example.org"]
    assert "Private Name" not in json.dumps(responses)
    assert len(await mailed_tokens(office)) == 1
    texts = {message.to: message.text for message in office.post.messages}
    assert "/staff/sign-in" in texts["known@example.org"]  # not a link for choosing a new password
    assert "/credentials/" in texts["unknown@example.org"]


async def test_one_account_can_belong_to_several_clinics(db, client, mia):
    await create_clinic(client)
    await client.post("/api/clinics/2/users", json=INVITATION | {"email": "MIA@example.org"}, headers=ADMIN)
    account = (await client.get("/api/account", headers=await bearer(client))).json()
    assert [(place["clinicId"], place["role"]) for place in account["memberships"]] == [
        (1, "manager"),
        (2, "receptionist"),
    ]


async def test_inviting_a_member_again_is_a_conflict(client, manager):
    assert (await client.post(USERS, json=INVITATION, headers=manager)).status_code == 201
    assert type_of(await client.post(USERS, json=INVITATION | {"email": "NEW.USER@EXAMPLE.ORG"}, headers=manager)) == (
        409,
        "already-member",
    )


async def test_only_one_of_several_concurrent_invitations_succeeds(db, client, manager):
    responses = await asyncio.gather(*(client.post(USERS, json=INVITATION, headers=manager) for _ in range(5)))
    assert sorted(response.status_code for response in responses) == [201, *[409] * 4]
    assert await db.fetchval("select count(*) from app_user where email like 'new%'") == 1


async def test_retrying_an_invitation_with_the_same_key_sends_one_email(db, client, manager, office):
    responses = [
        await client.post(USERS, json=INVITATION, headers=manager | {"Idempotency-Key": "once"}) for _ in range(2)
    ]
    assert (responses[0].json(), responses[1].headers["Idempotent-Replayed"]) == (responses[1].json(), "true")
    assert len(await mailed_tokens(office)) == 1


async def test_an_invitation_can_be_sent_again_until_it_is_accepted(client, manager, office):
    user_id = (await client.post(USERS, json=INVITATION, headers=manager)).json()["id"]
    assert (await client.post(f"{USERS}/{user_id}/invitation", headers=manager)).status_code == 200
    first, second = await mailed_tokens(office)
    assert (await set_password(client, first)).status_code == 200
    assert type_of(await set_password(client, second)) == (409, "link-used")
    await sign_in(client, INVITATION["email"], NEW_PASSWORD)
    assert type_of(await client.post(f"{USERS}/{user_id}/invitation", headers=manager)) == (409, "already-joined")


async def test_a_doctors_account_is_linked_to_a_doctor_at_the_same_clinic(client, manager):
    await create_clinic(client)
    own, other = await create_doctor(client), await create_doctor(client, 2)
    invitation = INVITATION | {"role": "doctor"}
    assert (await client.post(USERS, json=invitation, headers=manager)).json()["errors"][0]["pointer"] == "#/doctorId"
    assert (await client.post(USERS, json=invitation | {"doctorId": other}, headers=manager)).status_code == 404
    created = await client.post(USERS, json=invitation | {"doctorId": own}, headers=manager)
    assert (created.status_code, created.json()["doctorId"]) == (201, own)
    address = created.headers["Location"]
    assert (await client.patch(address, json={"doctorId": None}, headers=manager)).status_code == 400
    updated = await client.patch(address, json={"doctorId": None, "role": "receptionist"}, headers=manager)
    assert (updated.json()["role"], updated.json()["version"]) == ("receptionist", 2)
    assert (await client.patch(address, json={"doctorId": other}, headers=manager)).status_code == 404


@for_each(
    "wrong",
    [
        {"role": "administrator"},
        {"role": "patient"},
        {"email": "not-an-address"},
        {"name": " "},
        {"administrator": True},
        {"doctorId": "me"},
        {"clinicId": 2},
    ],
)
async def test_an_invalid_invitation_is_rejected(client, manager, wrong):
    assert (await client.post(USERS, json=INVITATION | wrong, headers=manager)).status_code == 400


async def test_managers_can_manage_only_their_own_clinics_users(db, client, manager):
    await create_clinic(client)
    outsider = await add_user(db, "there@example.org")
    await works_at(db, outsider, 2)
    assert (await client.post("/api/clinics/2/users", json=INVITATION, headers=manager)).status_code == 404
    for method, path in (
        ("get", ""),
        ("get", f"/{outsider}"),
        ("patch", f"/{outsider}"),
        ("delete", f"/{outsider}"),
        ("post", f"/{outsider}/invitation"),
    ):
        body = {"json": {"role": "manager"}} if method == "patch" else {}
        assert (await client.request(method, f"/api/clinics/2/users{path}", headers=manager, **body)).status_code == 404
        assert not path or (await client.request(method, f"{USERS}{path}", headers=manager, **body)).status_code == 404
    assert await db.fetchval("select role from membership where user_id = $1", outsider) == "manager"


async def test_a_clinics_last_manager_cannot_be_removed_or_demoted(client, mia, manager):
    own = f"{USERS}/{mia}"
    assert type_of(await client.patch(own, json={"role": "receptionist"}, headers=manager)) == (409, "last-manager")
    assert type_of(await client.delete(own, headers=manager)) == (409, "last-manager")
    other = (await client.post(USERS, json=INVITATION | {"role": "manager"}, headers=manager)).headers["Location"]
    assert (await client.delete(own, headers=manager)).status_code == 204
    assert type_of(await client.delete(other, headers=ADMIN)) == (409, "last-manager")


async def test_two_managers_cannot_concurrently_remove_each_other(db, client, mia, manager):
    other = await add_user(db, "other@example.org")
    await works_at(db, other)
    others = await bearer(client, "other@example.org")
    responses = await asyncio.gather(
        client.delete(f"{USERS}/{other}", headers=manager), client.delete(f"{USERS}/{mia}", headers=others)
    )
    assert min(response.status_code for response in responses) == 204
    assert await db.fetchval("select count(*) from membership where role = 'manager'") == 1


async def test_a_removed_user_is_neither_found_nor_listed(client, manager):
    created = await client.post(USERS, json=INVITATION | {"role": "manager"}, headers=manager)
    assert (await client.delete(created.headers["Location"], headers=manager)).status_code == 204
    assert (await client.get(created.headers["Location"], headers=manager)).status_code == 404
    assert [user["email"] for user in (await client.get(USERS, headers=manager)).json()["items"]] == ["mia@example.org"]


async def test_users_are_listed_in_pages(client, manager):
    for number in range(3):
        await client.post(USERS, json=INVITATION | {"email": f"user{number}@example.org"}, headers=manager)
    emails, query = [], {"limit": 2}
    while query:
        page = (await client.get(USERS, params=query, headers=manager)).json()
        emails += [user["email"] for user in page["items"]]
        query = page["next"] and {"limit": 2, "cursor": page["next"]}
    assert emails == ["mia@example.org", *(f"user{number}@example.org" for number in range(3))]


async def test_a_user_is_changed_only_if_the_version_matches(client, mia, manager):
    rejected, accepted = [
        await client.patch(f"{USERS}/{mia}", json={"name": "Mia"}, headers=manager | {"If-Match": version})
        for version in ('"v7"', '"v1"')
    ]
    assert (rejected.status_code, accepted.json()["name"]) == (412, "Mia")
