"""Harbor Street in New York, the demo world's clinic 2: its users, and rows that a test adds for its own use."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import asyncpg
from playwright.async_api import Page

from appoint.kit import ids
from support.browsers import Site
from support.staff import add_user, works_at

CLINIC = 2
ZONE = ZoneInfo("America/New_York")
MANAGER = "manager@harborstreet.example.com"
RECEPTION = "reception@harborstreet.example.com"
DOCTOR = "okafor@harborstreet.example.com"


def staff_url(site: Site, path: str = "") -> str:
    return f"{site.url}/staff/{CLINIC}/{path}"


@asynccontextmanager
async def connect(site: Site) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(site.database_url)
    try:
        yield connection
    finally:
        await connection.close()


async def add_manager(site: Site, **columns: Any) -> str:
    """Add a user who manages the clinic, and return the email address. The password is `support.staff.PASSWORD`."""
    email = f"{uuid4().hex}@example.org"
    async with connect(site) as db:
        await works_at(db, await add_user(db, email, **columns), CLINIC)
    return email


async def add_patient(site: Site) -> tuple[str, str]:
    """Add a patient with a unique name, and return the id and the name."""
    name = f"Ines {uuid4().hex[:8]}"
    async with connect(site) as db:
        customer_id = await db.fetchval(
            "insert into customer (name, email) values ($1, 'ines@example.org') returning id", name
        )
        await db.execute("insert into patient (clinic_id, customer_id) values ($1, $2)", CLINIC, customer_id)
    return str(customer_id), name


async def add_dead_message(site: Site, customer_id: str) -> UUID:
    """Add a message to a patient that could not be sent."""
    notification_id = ids.new_id(CLINIC)
    async with connect(site) as db:
        await db.execute(
            """
            insert into notification (clinic_id, id, kind, subject_id, sequence, recipient, recipient_id, channel,
                                      due_at, expires_at, status, reason)
            values ($1, $2, 'reminder-1440', $3, 0, 'customer', $4, 'email',
                    now(), now() + interval '1 day', 'dead', 'no such mailbox')
            """,
            CLINIC,
            notification_id,
            str(ids.new_id(CLINIC)),
            customer_id,
        )
    return notification_id


async def fill(page: Page, **values: str) -> None:
    """Fill in fields by name."""
    for name, value in values.items():
        await page.locator(f"#main [name={name}]").fill(value)
