"""The audit log records failed sign-ins and refused access, and attackers cannot flood it."""

import pyotp
import pytest

from appoint.audit.refusals import PER_CALLER, REFUSED_ACTIONS
from appoint.kit import clock
from support.accounts import WRONG
from support.app import ADMIN
from support.audit import unsealed
from support.staff import SECRET, add_user, bearer, sign_in, type_of, works_at
from support.world import create_clinic, create_doctor

REFUSALS = (*REFUSED_ACTIONS,)


@pytest.fixture
async def mia(db, client):
    """The manager of the first of two clinics."""
    await create_clinic(client)
    await create_clinic(client, name="Hillside")
    await works_at(db, user_id := await add_user(db))
    return str(user_id)


async def refusals(db) -> list[tuple]:
    return [
        (entry["clinic_id"], entry["action"], entry["reason"], entry["subjects"])
        for entry in await unsealed(db)
        if entry["action"] in REFUSALS
    ]


async def test_a_failed_sign_in_appears_in_the_logs_of_the_users_clinics(db, client, mia):
    assert type_of(await sign_in(client, password="a wrong password")) == WRONG
    assert sorted(await refusals(db)) == [
        (0, "signInFailed", "wrong-credentials", [mia]),
        (1, "signInFailed", "wrong-credentials", [mia]),
    ]
    manager = await bearer(client)
    listed = await client.get("/api/clinics/1/audit", params={"action": "signInFailed"}, headers=manager)
    (entry,) = listed.json()["items"]
    assert (entry["address"], entry["reason"], entry["requestId"]) == ("127.0.0.1", "wrong-credentials", None)
    page = await client.get("/staff/1/audit", params={"action": "signInFailed"}, headers=manager)
    assert "Mia Klein" in page.text


async def test_a_sign_in_appears_in_the_logs_of_the_users_clinics(db, client, mia):
    await sign_in(client)
    entries = [(entry["clinic_id"], entry["action"], entry["subjects"]) for entry in await unsealed(db)]
    assert entries[-2:] == [(0, "signIn", [mia]), (1, "signIn", [mia])]


async def test_an_unknown_address_is_recorded_without_the_address(db, client, mia):
    await sign_in(client, "mallory@example.org", headers={"X-Request-ID": "read-me"})
    assert await refusals(db) == [(0, "signInFailed", "unknown-account", [])]
    assert not any("mallory" in str(entry) for entry in await unsealed(db))
    assert (await unsealed(db))[-1]["request_id"] is None


async def test_a_sign_in_to_a_disabled_account_is_recorded_as_such(db, client, mia):
    await client.post(f"/api/users/{mia}/disable", headers=ADMIN)
    assert type_of(await sign_in(client)) == WRONG
    assert (1, "signInFailed", "disabled-account", [mia]) in await refusals(db)


async def test_a_missing_code_and_a_wrong_one_are_recorded_differently(db, client, mia):
    manager = await bearer(client)
    setup = await client.post("/api/account/totp", json={"password": "a calm lake in the morning"}, headers=manager)
    code = pyotp.TOTP(setup.json()["secret"]).at(clock.now())
    assert (await client.post("/api/account/totp/confirm", json={"code": code}, headers=manager)).status_code == 200
    await sign_in(client)
    await sign_in(client, totp="000000")
    assert [entry[1:3] for entry in await refusals(db) if entry[0] == 1] == [
        ("signInUnfinished", "totp-required"),
        ("signInFailed", "wrong-credentials"),
    ]


async def test_refused_access_appears_in_the_logs_of_the_callers_clinic_and_the_other_one(db, client, mia):
    await create_doctor(client, 2)
    manager = await bearer(client)
    assert (await client.get("/api/clinics/2/bookings", headers=manager)).status_code == 404
    assert sorted(await refusals(db)) == [
        (clinic_id, "accessRefused", "listClinicBookings", []) for clinic_id in (0, 1, 2)
    ]
    assert (await unsealed(db))[-1]["actor"] == f"user:{mia}"


async def test_refused_access_to_an_unknown_clinic_does_not_create_an_audit_log(db, client, mia):
    manager = await bearer(client)
    assert (await client.get("/api/clinics/77/bookings", headers=manager)).status_code == 404
    assert sorted(entry[0] for entry in await refusals(db)) == [0, 1]


async def test_refused_pages_and_bodies_are_recorded_too(db, client, mia):
    await works_at(db, await add_user(db, "rita@example.org"), role="receptionist")
    own = await bearer(client, "rita@example.org")
    assert (await client.get("/staff/1/users", headers=own)).status_code == 403
    doctor = await create_doctor(client, 2)
    absence = {"doctorId": doctor, "clinicId": 2, "from": "2027-03-01", "to": "2027-03-02"}
    assert (await client.post("/api/absences", json=absence, headers=own)).status_code in (400, 404)
    assert (1, "accessRefused", "showUsers", []) in await refusals(db)


async def test_anonymous_visitors_and_missing_records_are_not_recorded(db, client, mia):
    manager = await bearer(client)
    assert (await client.get("/api/clinics/1/bookings")).status_code == 401
    assert (await client.get(f"/api/clinics/1/users/{SECRET and mia[:-4]}0000", headers=manager)).status_code == 404
    assert await refusals(db) == []


async def test_a_wrong_current_password_is_recorded(db, client, mia):
    manager = await bearer(client)
    wrong = {"current": "a wrong password", "new": "two storks above the roof"}
    assert (await client.put("/api/account/password", json=wrong, headers=manager)).status_code == 400
    assert (1, "passwordRefused", "changePassword", []) in await refusals(db)


async def test_a_key_with_a_wrong_secret_or_past_its_expiry_is_recorded_at_its_clinic(db, client, mia):
    manager = await bearer(client)
    content = {"name": "Portal", "scopes": ["list-appointments"]}
    key = (await client.post("/api/clinics/1/apiKeys", json=content, headers=manager)).json()
    made_up = f"apt_{'0' * 32}_{'A' * 43}"
    for token in (key["key"][:-43] + "A" * 43, made_up):
        response = await client.get("/api/clinics/1/bookings", headers={"Authorization": f"Bearer {token}"})
        assert response.status_code == 401
    await db.execute("update api_key set expires_at = now() - interval '1 hour'")
    await client.get("/api/clinics/1/bookings", headers={"Authorization": f"Bearer {key['key']}"})
    assert [entry for entry in await refusals(db) if entry[0] == 1] == [
        (1, "credentialRefused", "wrong-secret", [key["id"]]),
        (1, "credentialRefused", "expired", [key["id"]]),
    ]


async def test_a_caller_cannot_fill_the_audit_log(db, client, mia):
    manager = await bearer(client)
    for _ in range(PER_CALLER.most + 10):
        await client.get("/api/clinics/2/bookings", headers=manager)
    entries = await unsealed(db)
    assert len([entry for entry in entries if entry["action"] == "accessRefused"]) == 3 * PER_CALLER.most
    assert [entry["clinic_id"] for entry in entries if entry["action"] == "refusalsOmitted"] != []
    assert len([entry for entry in entries if entry["action"] == "refusalsOmitted"]) == 3
