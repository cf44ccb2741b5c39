"""Booking on the public pages with a code."""

from datetime import timedelta

from appoint.http.cookies import DEVICE_COOKIE
from support.booking_pages import DAY, open_form, send
from support.confirmation import code_for


async def submit(client, type: str, hours: float = 0, base: str = "/c/lakeside", **fields: str):
    """Submit the booking form and return the URL of the next page."""
    form = await open_form(client, type, DAY + timedelta(hours=hours), base=base)
    response = await send(client, form, **fields)
    assert response.status_code == 303, response.text
    return response


async def latest(db) -> dict[str, str]:
    row = await db.fetchrow("select id, booking_id, status from appointment order by created_at desc, id desc limit 1")
    return {"id": str(row.id), "bookingId": str(row.booking_id), "status": row.status}


async def enter(client, address: str, code: str, **fields: str):
    return await client.post(address, data={"code": code, **fields})


async def book(client, db, type: str, hours: float = 0, **fields: str):
    """Book with the code and return the last response."""
    address = (await submit(client, type, hours, **fields)).headers["Location"]
    return await enter(client, address, code_for(await latest(db)))


def device_cookie(response) -> dict[str, str]:
    (cookie,) = [header for header in response.headers.get_list("Set-Cookie") if header.startswith(DEVICE_COOKIE)]
    return {"Cookie": cookie.split(";")[0]}
