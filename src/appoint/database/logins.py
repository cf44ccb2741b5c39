"""The login that servers and workers use. It doesn't own anything, and can act only as the roles that migrations
create.
"""

import base64
import hashlib
import hmac
import os
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import asyncpg

from ..kit.errors import StartupError
from .migrate import LOCK
from .pool import ACROSS, SEALER, SERVER

SERVING_ROLES: Final = (SERVER, ACROSS, SEALER)
BACKUP_LOGIN: Final = "appoint_backup"
"""The embedded server's login for backups. All it can do is replicate."""
SCRAM_ITERATIONS: Final = 4096  # PostgreSQL's default

CREATE_ROLES: Final = Path(__file__).with_name("create_roles.sql").read_text(encoding="utf-8")
CAN_SERVE: Final = """
select coalesce(bool_and(pg_has_role(current_user, role, 'set')), false) from unnest($1::text[]) as role
"""
PRIVILEGES: Final = """
with reach as (
  select distinct pg_get_userbyid(owner)::text as owner
    from (select datdba from pg_database where datname = current_database()
           union all
          select c.relowner
            from pg_class c
            join pg_namespace n on n.oid = c.relnamespace
           where n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema') as owned (owner)
   where pg_has_role(current_user, owner, 'member')
   union all
  select rolname::text
    from pg_roles
   where rolname in ('pg_execute_server_program', 'pg_read_all_data', 'pg_read_server_files', 'pg_write_all_data',
                     'pg_write_server_files')
     and pg_has_role(current_user, oid, 'member')
)
select r.rolsuper, r.rolbypassrls, r.rolcreaterole, array(select owner from reach where owner <> r.rolname) as reaches,
       r.rolname in (select owner from reach) as owns
  from pg_roles r
 where r.rolname = current_user
"""


def name_in(url: str) -> str:
    """Return the login that the URL names, or an empty string."""
    return unquote(urlsplit(url).username or "")


async def excessive_privileges(url: str) -> list[str]:
    """Return what the URL's login could do beyond serving requests, as predicates for an error message."""
    connection = await asyncpg.connect(url, timeout=10)
    try:
        row = await connection.fetchrow(PRIVILEGES)
    finally:
        await connection.close()
    assert row
    if row["rolsuper"]:
        return ["is a superuser"]
    reasons = (
        ("owns the database or tables in it", row["owns"]),
        ("bypasses row-level security", row["rolbypassrls"]),
        ("can create roles", row["rolcreaterole"]),
        *((f"can act as {role}", True) for role in row["reaches"]),
    )
    return [reason for reason, applies in reasons if applies]


async def prepare(owner_url: str, url: str) -> bool:
    """Set up the login in `url` to serve requests, and nothing else. Create it if it does not exist, and set its
    password if the one in the URL does not work. Return whether anything had to change.

    Raise `StartupError` if the owner is not allowed to do this.
    """
    can_log_in, can_serve = await _abilities(url)
    if can_serve:
        return False
    login, password = name_in(url), unquote(urlsplit(url).password or "")
    owner = await asyncpg.connect(owner_url, timeout=10)
    try:
        async with owner.transaction():
            await owner.execute("select pg_advisory_xact_lock($1)", LOCK)
            if not can_log_in:
                exists = await owner.fetchval("select exists (select from pg_roles where rolname = $1)", login)
                await _run(owner, f"{'alter' if exists else 'create'} role %I login noinherit", login)
                if password:
                    await _run(owner, "alter role %I password %L", login, scram_verifier(password, os.urandom(16)))
            await _run(owner, f"grant {', '.join(SERVING_ROLES)} to %I with inherit false, set true", login)
    except asyncpg.InsufficientPrivilegeError as error:
        raise StartupError(
            f"{name_in(owner_url)} cannot set up the login {login}: {error}. As a superuser, run: "
            f"create role {login} login noinherit password '…'; grant {', '.join(SERVING_ROLES)} to {login}"
        ) from error
    finally:
        await owner.close()
    return True


async def create_roles(connection: Any) -> None:
    """Create the serving roles that the server does not have."""
    await connection.execute(CREATE_ROLES)


async def _abilities(url: str) -> tuple[bool, bool]:
    """Return whether the URL's login can log in, and whether it can act as the serving roles."""
    try:
        connection = await asyncpg.connect(url, timeout=10)
    except asyncpg.InvalidAuthorizationSpecificationError:
        return False, False
    try:
        return True, await connection.fetchval(CAN_SERVE, list(SERVING_ROLES))
    finally:
        await connection.close()


async def _run(connection: Any, statement: str, *values: str) -> None:
    """Run a statement that takes no parameters. PostgreSQL quotes its names (`%I`) and strings (`%L`)."""
    places = ", ".join(f"${number}::text" for number in range(2, len(values) + 2))
    await connection.execute(await connection.fetchval(f"select format($1, {places})", statement, *values))


def scram_verifier(password: str, salt: bytes) -> str:
    """Return what PostgreSQL stores instead of the password, so that no statement contains the password itself."""
    if not password.isascii():
        raise StartupError("The password in APPOINT_DATABASE_URL must consist of ASCII characters.")
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, SCRAM_ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    encoded = [base64.b64encode(part).decode() for part in (salt, stored, server)]
    return f"SCRAM-SHA-256${SCRAM_ITERATIONS}:{encoded[0]}${encoded[1]}:{encoded[2]}"
