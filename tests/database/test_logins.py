"""Servers and workers use a login that doesn't own anything and cannot become the owner."""

import asyncio
import base64
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import httpx2
import pytest

from appoint.database import embedded, logins
from appoint.database.pool import SERVER
from appoint.kit.errors import StartupError
from support.database import as_superuser, execute
from support.embedded_servers import fetch, folder, query
from support.keys import KEY
from support.processes import appoint, eventually

STRONG_SECRET = "dR7-qmW2x_Jc0Lz9TfVb4yKs8NaHu1Pe"


def url_as(url: str, login: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{login}@{parts.netloc.rpartition('@')[2]}"))


@pytest.fixture
def serving_url(database_url, worker_id):
    """The URL of a login that does not exist yet."""
    login = f"serving_{worker_id}"
    yield url_as(database_url, f"{login}:{STRONG_SECRET}")
    asyncio.run(as_superuser(database_url, f"drop role if exists {login}"))


async def attempt(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def test_the_login_is_created_once(database_url, serving_url):
    assert await logins.prepare(database_url, serving_url) is True
    assert await logins.prepare(database_url, serving_url) is False
    assert await logins.excessive_privileges(serving_url) == []


@pytest.mark.parametrize(
    "statement",
    [
        "select password_hash from app_user",
        "select from clinic",
        "set role appoint",
        "set role postgres",
        "create table mine ()",
        "drop table clinic",
        "grant appoint to current_user",
        "create role another",
    ],
)
async def test_without_its_roles_the_login_cannot_do_anything(database_url, serving_url, statement):
    await logins.prepare(database_url, serving_url)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await attempt(serving_url, statement)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await attempt(serving_url, f"set role {SERVER}", "set role none", statement)


async def rows_of(url: str, statement: str, *args: object) -> list[str]:
    connection = await asyncpg.connect(url)
    try:
        return [row[0] for row in await connection.fetch(statement, *args)]
    finally:
        await connection.close()


async def test_the_login_can_act_only_as_the_serving_roles(database_url, serving_url):
    await logins.prepare(database_url, serving_url)
    roles = (
        "select rolname::text from pg_roles where pg_has_role(current_user, oid, 'member') and rolname <> current_user"
    )
    assert sorted(await rows_of(serving_url, roles)) == sorted(logins.SERVING_ROLES)


async def test_a_lost_grant_is_restored(database_url, serving_url):
    await logins.prepare(database_url, serving_url)
    await attempt(database_url, f"revoke {SERVER} from {logins.name_in(serving_url)}")
    assert await logins.prepare(database_url, serving_url) is True
    await attempt(serving_url, f"set role {SERVER}")


async def test_the_owner_and_the_superuser_can_do_more_than_serve(database_url):
    assert await logins.excessive_privileges(database_url) == [
        "owns the database or tables in it",
        "can create roles",
    ]
    assert await logins.excessive_privileges(url_as(database_url, "postgres")) == ["is a superuser"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("grant appoint to {}", "can act as appoint"),
        ("grant pg_read_all_data to {}", "can act as pg_read_all_data"),
        ("alter role {} bypassrls", "bypasses row-level security"),
        ("alter role {} createrole", "can create roles"),
    ],
)
async def test_every_way_around_the_serving_roles_is_found(database_url, serving_url, change, reason):
    login = logins.name_in(serving_url)
    await as_superuser(database_url, f"create role {login} login noinherit", change.format(login))
    await logins.prepare(database_url, serving_url)
    assert await logins.excessive_privileges(serving_url) == [reason]


async def test_the_stored_verifier_matches_the_one_that_postgresql_computes(database_url, serving_url):
    """This keeps the password out of the statement and the server's log."""
    await logins.prepare(database_url, serving_url)
    stored = "select rolpassword from pg_authid where rolname = $1"
    superuser, login = url_as(database_url, "postgres"), logins.name_in(serving_url)
    (own,) = await rows_of(superuser, stored, login)
    assert STRONG_SECRET not in own
    await as_superuser(database_url, f"alter role {login} password '{STRONG_SECRET}'")
    (theirs,) = await rows_of(superuser, stored, login)
    salt = base64.b64decode(theirs.split(":")[1].split("$")[0])
    assert logins.scram_verifier(STRONG_SECRET, salt) == theirs


async def test_an_owner_without_createrole_sees_what_a_superuser_must_run(database_url, serving_url):
    await as_superuser(database_url, "create role limited_owner login")
    try:
        with pytest.raises(StartupError, match=r"create role serving_.* login noinherit"):
            await logins.prepare(url_as(database_url, "limited_owner"), serving_url)
    finally:
        await as_superuser(database_url, "drop role limited_owner")


def production(**changes):
    return {
        "mode": "production",
        "public_url": "https://appoint.example",
        "admin_token": STRONG_SECRET,
        "secret_key": STRONG_SECRET,
        "encryption_keys": KEY,
        "rate_limits": None,
    } | changes


def test_a_production_server_and_its_worker_need_only_the_login(database_url, serving_url):
    asyncio.run(execute(database_url, "select testing.reset()"))
    with appoint("migrate", **production(owner_database_url=database_url, database_url=serving_url)) as migrating:
        assert migrating.popen.wait(60) == 0, migrating.output
    with appoint("serve", "--with-worker", **production(database_url=serving_url)) as process:
        headers = {"Authorization": f"Bearer {STRONG_SECRET}"}
        clinic = {"name": "Millpond", "timeZone": "Europe/Berlin"}
        created = httpx2.post(process.url + "/api/clinics", json=clinic, headers=headers)
        assert created.status_code == 201, created.text
        assert eventually(lambda: httpx2.get(process.url + "/readyz").status_code == 200)
        assert eventually(lambda: query(database_url, "select count(*) from audit_entry"))  # the worker seals it
        assert httpx2.get(process.url + "/dev/mailbox").status_code == 404


@pytest.mark.parametrize("command", ["serve", "worker"])
async def test_production_refuses_a_login_that_owns_the_database(command, database_url, run_command):
    outcome = await run_command(command, **production(database_url=database_url))
    assert outcome.code == 1
    assert "refuses the login in APPOINT_DATABASE_URL: it owns the database or tables in it" in outcome.errors
    assert "APPOINT_OWNER_DATABASE_URL" in outcome.errors


def test_appoint_uses_a_login_that_owns_nothing_on_the_embedded_server():
    with folder() as path:
        home = path / "data"
        with appoint("migrate", data_dir=home) as process:
            assert process.popen.wait(60) == 0, process.output
        with embedded.running(home, durable=False) as server:
            assert asyncio.run(logins.excessive_privileges(server.serving_url)) == []
            asyncio.run(as_superuser(server.url, "drop role appoint_serving"))
        with appoint("serve", **production(data_dir=home)) as process:  # as after an upgrade
            assert httpx2.get(process.url + "/healthz").status_code == 200
            users = "select distinct usename::text from pg_stat_activity where application_name = 'appoint'"
            httpx2.get(process.url + "/api/clinics")
            with embedded.running(home) as server:
                assert fetch(server.url, users) == [("appoint_serving",)]
