"""Devices that don't need a code because their user has already confirmed the address."""

import re
from datetime import timedelta
from html import unescape

import pytest

from appoint.http import cookies
from appoint.http.cookies import BOOKED_COOKIE, DEVICE_COOKIE
from appoint.kit import clock
from appoint.site.patient import form_booking
from support.app import ADMIN
from support.booking_pages import DAY, sign_in_as_ana, utc
from support.confirm_pages import book, device_cookie, enter, latest, submit
from support.confirmation import ALWAYS, link_path


@pytest.fixture
async def lakeside(client, lakeside) -> str:
    """The clinic asks strangers for a code."""
    await client.patch("/api/clinics/1", json={"policy": ALWAYS}, headers=ADMIN)
    return lakeside


async def test_a_device_that_has_confirmed_an_address_can_book_with_it_without_a_code(client, db, lakeside):
    cookie = device_cookie(await book(client, db, lakeside))
    client.cookies.clear()
    client.headers.update(cookie)
    response = await submit(client, lakeside, 0.5, name="ANA SOUZA")
    assert response.headers["Location"].startswith("/appointments/apm_")
    assert (await latest(db))["status"] == "booked"
    assert await db.fetchval("select count(*) from customer") == 1


async def test_the_same_device_is_asked_for_a_code_for_another_address(client, db, lakeside):
    client.headers.update(device_cookie(await book(client, db, lakeside)))
    await submit(client, lakeside, 0.5, email="ben@example.org")
    assert (await latest(db))["status"] == "pending"


async def test_a_device_remembers_several_addresses(client, db, lakeside):
    client.headers.update(device_cookie(await book(client, db, lakeside)))
    client.headers.update(device_cookie(await book(client, db, lakeside, 0.5, email="ben@example.org")))
    await submit(client, lakeside, 1)
    assert (await latest(db))["status"] == "booked"


async def test_a_device_is_forgotten_after_ninety_days(client, db, lakeside, monkeypatch):
    client.headers.update(device_cookie(await book(client, db, lakeside)))
    knows_address = cookies.knows_address
    later = clock.now() + timedelta(days=91)
    monkeypatch.setattr(
        form_booking, "knows_address", lambda request, address, _: knows_address(request, address, later)
    )
    await submit(client, lakeside, 0.5)
    assert (await latest(db))["status"] == "pending"


async def test_a_forged_device_cookie_or_one_signed_with_a_different_key_is_ignored(client, db, lakeside):
    cookie = device_cookie(await book(client, db, lakeside))["Cookie"].partition("=")[2]
    for hours, value in ((0.5, cookie + "x"), (1, "W10.x")):
        client.cookies.clear()
        client.headers["Cookie"] = f"{DEVICE_COOKIE}={value}"
        await submit(client, lakeside, hours)
        assert (await latest(db))["status"] == "pending"


async def test_the_device_cookie_does_not_contain_the_address(client, db, lakeside):
    cookie = device_cookie(await book(client, db, lakeside))["Cookie"]
    assert "ana" not in cookie


async def test_only_the_browser_that_enters_the_code_is_remembered(client, db, lakeside):
    address = (await submit(client, lakeside)).headers["Location"]
    appointment = await latest(db)
    assert (await client.post(link_path(appointment))).status_code == 303  # the address's owner, in another browser
    response = await enter(client, address, "000000")
    assert DEVICE_COOKIE not in str(response.headers.get_list("Set-Cookie"))


async def test_link_holders_cannot_pretend_to_be_the_browser_that_booked(client, db, lakeside):
    booked = (await book(client, db, lakeside)).headers["Location"]
    token = booked.partition("?")[0].rpartition("/")[2]
    client.cookies.clear()
    page = await client.get(booked, headers={"Cookie": f"{BOOKED_COOKIE}={token}"})
    assert "ana@example.org" not in page.text


async def test_a_signed_in_patient_is_not_asked_for_a_code(client, db, lakeside):
    await book(client, db, lakeside)
    client.cookies.clear()
    await sign_in_as_ana(client)
    page = await client.get("/c/lakeside/details", params={"type": lakeside, "start": utc(DAY + timedelta(hours=1))})
    action = unescape(re.search(r'id="booking"[^>]* action="([^"]+)"', page.text).group(1))
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text))
    response = await client.post(action, data=hidden)
    assert response.headers["Location"].startswith("/appointments/")
    assert (await latest(db))["status"] == "booked"
