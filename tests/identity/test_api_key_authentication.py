"""How a caller with an API key is identified, and when a key stops working."""

from datetime import timedelta

import asyncpg
import pytest

from appoint.database.pool import SERVER, connect
from appoint.identity.api_keys import model, repository, service
from appoint.kit import ids
from appoint.kit.actors import SYSTEM, Membership, Role
from support.api_keys import NOW, add_key, create_key, key_header
from support.matrix import for_each
from support.round_trips import proxied


@pytest.fixture
async def serving_db(db, database_url):
    """The database, accessed with the role that serves requests."""
    serving_db = connect(database_url, size=2, wait_seconds=5, statement_seconds=10, role=SERVER)
    yield serving_db
    await serving_db.close()


MALFORMED = {
    "nothing but the prefix": "apt_",
    "no secret": "apt_0000000101978f1b8c5502a1bf0e1d37",
    "an empty secret": "apt_0000000101978f1b8c5502a1bf0e1d37_",
    "no hex digits": "apt_" + "z" * 32 + "_" + "a" * 43,
    "capitals": "apt_0000000101978F1B8C5502A1BF0E1D37_" + "a" * 43,
    "too short a secret": "apt_0000000101978f1b8c5502a1bf0e1d37_" + "a" * 42,
    "too long a secret": "apt_0000000101978f1b8c5502a1bf0e1d37_" + "a" * 44,
    "a huge secret": "apt_" + "a" * 16_000,
    "dashes in the id": "apt_00000001-0197-8f1b-8c55-02a1bf0e1d37_" + "a" * 43,
    "an id without a clinic": "apt_" + "f" * 32 + "_" + "a" * 43,
    "a platform id": "apt_" + "0" * 32 + "_" + "a" * 43,
    "an unknown id": "apt_0000000101978f1b8c5502a1bf0e1d37_" + "a" * 43,
    "letters beyond ASCII": "apt_0000000101978f1b8c5502a1bf0e1d37_" + "é" * 43,
    "digits in another script": "apt_" + "\u0661" * 32 + "_" + "a" * 43,
    "SQL": "apt_' or true--_x",
    "NUL": "apt_0000000101978f1b8c5502a1bf0e1d37_" + "\0" * 43,
}


@for_each("kind, token", list(MALFORMED.items()))
async def test_a_malformed_key_is_unauthorized(client, kind, token):
    response = await client.get("/api/clinics/1/appointments", headers={"Authorization": b"Bearer " + token.encode()})
    assert response.status_code == 401


async def test_a_key_with_another_keys_secret_is_unauthorized(client, lakeside):
    one, other = [(await create_key(client)).json()["key"] for _ in range(2)]
    mixed_key = one[:37] + other[37:]
    assert (await client.get("/api/clinics/1/appointments", headers=key_header(mixed_key))).status_code == 401


async def test_a_caller_is_identified_by_the_keys_id_scopes_and_limit(db, serving_db, lakeside):
    key = await add_key(db, requests_per_minute=30)
    caller = await service.identify(serving_db, key.key, now=NOW)
    assert caller
    assert (caller.key, caller.memberships) == (f"key:{key.id}", (Membership(1, Role.PARTNER),))
    assert (caller.scopes, caller.requests_per_minute) == ({"see-appointments", "list-appointments"}, 30)
    assert (caller.is_anyone, caller.is_staff(1), caller.administrator) == (False, False, False)


async def test_a_key_works_until_it_expires(db, serving_db, lakeside):
    key = await add_key(db, expires_at=NOW + timedelta(days=1))
    assert await service.identify(serving_db, key.key, now=NOW + timedelta(hours=23, minutes=59))
    assert await service.identify(serving_db, key.key, now=NOW + timedelta(days=1)) is None


async def test_after_a_rotation_the_old_key_works_until_the_overlap_ends(db, serving_db, lakeside):
    first = await add_key(db)
    second = await db.atomic(service.rotate, SYSTEM, key_id=first.id, overlap=timedelta(hours=1), now=NOW)
    soon, at_end = NOW + timedelta(minutes=59), NOW + timedelta(hours=1)
    assert [bool(await service.identify(serving_db, key.key, now=soon)) for key in (first, second)] == [True, True]
    assert [bool(await service.identify(serving_db, key.key, now=at_end)) for key in (first, second)] == [False, True]


async def test_without_an_overlap_the_old_key_stops_working_immediately(db, serving_db, lakeside):
    first = await add_key(db)
    second = await db.atomic(service.rotate, SYSTEM, key_id=first.id, overlap=timedelta(), now=NOW)
    assert second.old_secret_until is None
    assert [bool(await service.identify(serving_db, key.key, now=NOW)) for key in (first, second)] == [False, True]


async def test_after_several_rotations_only_the_last_two_keys_work(db, serving_db, lakeside):
    keys = [await add_key(db)]
    for _ in range(3):
        keys.append(await db.atomic(service.rotate, SYSTEM, key_id=keys[0].id, overlap=timedelta(hours=1), now=NOW))
    assert [bool(await service.identify(serving_db, key.key, now=NOW)) for key in keys] == [False, False, True, True]


async def test_a_keys_last_use_is_stored_once_a_minute_without_changing_its_version(db, serving_db, lakeside):
    key = await add_key(db)
    uses = []
    for seconds in (0, 30, 59, 60, 61):
        await service.identify(serving_db, key.key, now=NOW + timedelta(seconds=seconds))
        row = await repository.find(db, key.id)
        assert row
        uses.append((row.last_used_at, row.version))
    first, second = (NOW, 1), (NOW + timedelta(seconds=60), 1)
    assert uses == [first, first, first, second, second]


async def test_a_request_with_a_wrong_secret_does_not_count_as_use(db, serving_db, lakeside):
    key = await add_key(db)
    assert await service.identify(serving_db, model.serialize_key(key.id, model.new_secret()), now=NOW) is None
    assert await db.fetchval("select last_used_at from api_key") is None


async def test_identifying_a_caller_takes_one_round_trip(db, database_url, lakeside, tmp_path):
    key = await add_key(db)
    await service.identify(db, key.key, now=NOW)  # stores the last use
    async with proxied(database_url, tmp_path) as (behind, wire):
        await service.identify(behind, key.key, now=NOW)  # connects and prepares the statement
        before = wire.round_trips
        await service.identify(behind, key.key, now=NOW)
        assert wire.round_trips - before == 1


async def test_the_serving_role_can_look_up_a_key_by_id_but_not_list_keys(db, serving_db, lakeside):
    key = await add_key(db)
    assert await serving_db.fetch("select * from api_key") == []
    assert len(await serving_db.fetch("select * from presented_key($1)", key.id)) == 1
    assert await serving_db.fetch("select * from presented_key($1)", ids.new_id(1)) == []
    assert len(await serving_db.within(1).fetch("select * from api_key")) == 1
    assert await serving_db.within(2).fetch("select * from api_key") == []


async def test_other_roles_cannot_look_up_keys(db, lakeside):
    key = await add_key(db)
    async with db.connection() as connection:
        await connection.execute("begin; set local role appoint_sealer")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch("select * from presented_key($1)", key.id)
        await connection.execute("rollback")


def test_comparing_a_secret_takes_the_same_time_whether_or_not_it_matches(monkeypatch):
    """Both comparisons cover all 32 bytes, whether or not the key exists."""
    lengths = []
    monkeypatch.setattr(model.hmac, "compare_digest", lambda a, b: lengths.append((len(a), len(b))) or a == b)

    class StoredKey:
        secret_hash, old_secret_hash, old_secret_until, expires_at = bytes(31) + b"1", None, None, None

    for row in (None, StoredKey()):
        assert not model.is_valid(row, bytes(31) + b"2", now=NOW)
    assert lengths == [(32, 32)] * 4
