"""A video visit in two browser windows: the patient waits, the board shows it, and the doctor lets them in."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from playwright.async_api import expect

from support.browsers import (
    AXE_LANGUAGES,
    PHONE,
    Site,
    expect_accessible,
    expect_no_sideways_scrolling,
    follow,
    open_page,
    sign_in,
)
from support.calls import begin_at
from support.day_board import Room, add_room
from support.harbor_street import CLINIC, ZONE, connect
from support.patient_browser import path_of
from support.staff import PASSWORD, add_user, works_at

BOARD_MS = 2000
"""How quickly the board shows that a patient is waiting."""


async def add_visit(site: Site) -> tuple[Room, dict[str, Any], str]:
    """Add a video visit that starts in five minutes, and its doctor's account. Return the doctor's room on the board,
    the appointment and the doctor's email address."""
    room, email = await add_room(site), f"{uuid4().hex}@example.org"
    appointment = room.book(room.add_customer("Vera Video"), "09:00")
    id, start = UUID(appointment["id"]), datetime.now(UTC) + timedelta(minutes=5)
    async with connect(site) as db:
        await works_at(db, await add_user(db, email), CLINIC, "doctor", room.doctor_id)
        await db.execute(
            """
            update appointment
               set appointment_type_id = (select id from appointment_type
                                           where clinic_id = $1 and mode = 'online' limit 1)
             where id = $2
            """,
            CLINIC,
            id,
        )
        await begin_at(db, id, start)
        await db.execute(
            """
            insert into call (clinic_id, id, appointment_id, sequence, gateway, state, during)
            select clinic_id, mint_id(clinic_id), id, sequence, 'demo', 'made', during from appointment where id = $1
            on conflict (clinic_id, appointment_id, sequence) do update
               set state = 'made', due_at = null, during = excluded.during
            """,
            id,
        )
    return room._replace(day=start.astimezone(ZONE).date()), appointment, email


async def test_the_patient_waits_and_the_doctor_lets_them_in(site, browser):
    room, appointment, email = await add_visit(site)
    async with (
        open_page(browser, viewport=PHONE) as patient,
        open_page(browser, viewport={"width": 1280, "height": 1000}) as doctor,
    ):
        await sign_in(doctor, site.url, email, PASSWORD)
        await doctor.goto(room.address)
        await patient.goto(site.url + path_of(appointment))
        await follow(patient.get_by_role("link", name="Join the video visit"))
        await follow(patient.get_by_role("button", name="Enter the waiting room"))
        await expect(doctor.locator("#waiting")).to_contain_text("1 waiting", timeout=BOARD_MS)
        await doctor.goto(f"{site.url}/staff/{CLINIC}/appointments/{appointment['id']}/call")
        await follow(doctor.get_by_role("button", name="10", exact=False).first)
        await expect(patient.locator("#visit")).to_contain_text("is running about 10")
        await follow(doctor.get_by_role("button", name="Let the patient in"))
        await follow(patient.get_by_role("button", name="Join the call"))
        await expect(patient.locator("main")).to_contain_text("Vera Video")


@pytest.mark.parametrize("language", AXE_LANGUAGES)
async def test_the_pages_of_a_video_visit_are_accessible_on_a_phone(site, browser, language):
    _, appointment, email = await add_visit(site)
    async with open_page(browser, language, viewport=PHONE) as page:
        await page.goto(site.url + path_of(appointment))
        await page.locator("[name=name]").fill("Ines, the interpreter")
        await follow(page.locator("form[action$='/guests'] button"))
        await expect(page.locator("#guest-1")).to_be_visible()
        await expect_accessible(page)
        await expect_no_sideways_scrolling(page)
        for link in (
            await page.locator("a[href^='/join/']").get_attribute("href"),
            (await page.locator("#guest-1").input_value()).removeprefix(site.url),
        ):
            await page.goto(f"{site.url}/join/{link.rpartition('/')[2]}")
            await expect_accessible(page)
            await expect_no_sideways_scrolling(page)
        await sign_in(page, site.url, email, PASSWORD)
        await page.goto(f"{site.url}/staff/{CLINIC}/appointments/{appointment['id']}/call")
        await expect_accessible(page)
        await expect_no_sideways_scrolling(page)
