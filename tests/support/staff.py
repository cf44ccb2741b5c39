"""Clinic users: created with SQL and signed in through the API."""

from functools import cache
from typing import Any
from uuid import UUID

from appoint.identity import passwords

PASSWORD = "a calm lake in the morning"
ANOTHER = "two storks above the roof"
SECRET = "signs links in tests"


@cache
def hash_of(password: str) -> str:
    return passwords._hash.hash(password)


async def add_user(
    db, email="mia@example.org", *, password: str | None = PASSWORD, name="Mia Klein", **columns: Any
) -> UUID:
    user_id = await db.fetchval(
        "insert into app_user (email, name, password_hash) values ($1, $2, $3) returning id",
        email,
        name,
        password and hash_of(password),
    )
    for column, value in columns.items():
        await db.execute(f"update app_user set {column} = $2 where id = $1", user_id, value)
    return user_id


async def works_at(db, user_id: UUID, clinic_id: int = 1, role: str = "manager", doctor_id: str | None = None) -> None:
    await db.execute(
        "insert into membership (clinic_id, user_id, role, doctor_id) values ($1, $2, $3, $4)",
        clinic_id,
        user_id,
        role,
        doctor_id,
    )


async def sign_in(
    client, email="mia@example.org", password=PASSWORD, *, headers: dict[str, str] | None = None, **more: Any
) -> Any:
    return await client.post("/api/sessions", json={"email": email, "password": password, **more}, headers=headers)


async def bearer(client, email="mia@example.org", password=PASSWORD, **more: Any) -> dict[str, str]:
    """Sign in, and return the session's headers."""
    return {"Authorization": f"Bearer {(await sign_in(client, email, password, **more)).json()['token']}"}


async def sign_in_receptionist(db, client, email="mia@example.org", clinic_id: int = 1) -> dict[str, str]:
    """Add a receptionist to the clinic, and return their session's headers."""
    await works_at(db, await add_user(db, email), clinic_id, "receptionist")
    return await bearer(client, email)


def type_of(response) -> tuple[int, str]:
    return response.status_code, response.json()["type"].removeprefix("/problems/")
