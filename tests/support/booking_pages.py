"""Booking through the public pages without a browser: get a form, fill it in and send it."""

import re
from datetime import datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

from appoint.identity.sign_in_codes.model import PURPOSE
from appoint.kit import signed_tokens
from support.staff import SECRET
from support.world import RUN_START

Form = tuple[str, dict[str, str]]
"""A form's address and hidden fields."""

DAY = (RUN_START + timedelta(days=2)).replace(hour=7, minute=0, second=0)
"""The start of the doctors' first slot at Lakeside, eight o'clock in Berlin."""
NINE, HALF_PAST_NINE, TEN = (DAY + timedelta(hours=hours) for hours in (1, 1.5, 2))
"""Slot start times at the Village Clinic, in Berlin time."""


def utc(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"


def form_of(page) -> Form:
    address = unescape(re.search(r'id="booking"[^>]* action="([^"]+)"', page.text).group(1))
    return address, dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text))


async def open_form(client, type: str, start: datetime = DAY, base="/c/lakeside", **query: str) -> Form:
    page = await client.get(f"{base}/details", params={"type": type, "start": start.isoformat(), **query})
    assert page.status_code == 200
    return form_of(page)


async def send(client, form: Form, **fields: str) -> Any:
    """Send a booking form, by default for Ana Souza."""
    address, hidden = form
    return await client.post(address, data=hidden | {"name": "Ana Souza", "email": "ana@example.org"} | fields)


def links_to_details(page) -> list[dict[str, list[str]]]:
    """Return the query of each link from a page of times to the booking form."""
    addresses = re.findall(r'href="([^"]+/details\?[^"]+)"', page.text)
    return [parse_qs(urlsplit(unescape(address)).query) for address in addresses]


def starts(page) -> list[str]:
    return [query["start"][0] for query in links_to_details(page)]


def slots(page) -> list[tuple[str, str, str]]:
    """Return the start, end and doctor of each slot that a page offers."""
    return [(query["start"][0], query["end"][0], query["whose"][0]) for query in links_to_details(page)]


def alternatives(page) -> list[str]:
    return re.findall(r'name="instead" value="([^"]+)"', page.text)


def alternative_slots(page) -> list[tuple[str, ...]]:
    return [tuple(value.split()) for value in alternatives(page)]


def slot_query(doctor_id: str, start: datetime, end: datetime, **query: str) -> dict[str, str]:
    return {"start": utc(start), "end": utc(end), "whose": doctor_id, **query}


async def open_slot_form(
    client, doctor_id: str, start: datetime = NINE, end: datetime = HALF_PAST_NINE, base="/c/village", **query: str
) -> Form:
    page = await client.get(f"{base}/details", params=slot_query(doctor_id, start, end, **query))
    assert page.status_code == 200
    return form_of(page)


async def sign_in_as_ana(client) -> None:
    """Sign in through the pages as everyone with Ana's email address. The client then sends their cookies."""
    code_page = (await client.post("/sign-in", data={"address": "ana@example.org"})).headers["Location"]
    code_id = code_page.split("?")[0].rpartition("/")[2]
    response = await client.post(code_page, data={"code": signed_tokens.six_digit_code(SECRET, PURPOSE, code_id)})
    client.headers["Cookie"] = "; ".join(header.split(";")[0] for header in response.headers.get_list("Set-Cookie"))
