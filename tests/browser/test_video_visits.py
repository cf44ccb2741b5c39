"""A video visit in two browser windows: the patient waits, the board shows it, and the doctor lets them in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from playwright.async_api import Page, expect

from appoint.kit.key_ring import EncryptedField
from support.browsers import (
    AXE_LANGUAGES,
    PHONE,
    Site,
    api,
    expect_accessible,
    expect_no_sideways_scrolling,
    follow,
    open_page,
    sign_in,
)
from support.calls import begin_at
from support.day_board import Room, add_room
from support.harbor_street import CLINIC, ZONE, connect
from support.keys import CIPHERTEXT, KEYS
from support.patient_browser import path_of
from support.staff import PASSWORD, add_user, works_at

BOARD_MS = 2000
"""How quickly the board shows that a patient is waiting."""
SETTINGS = UUID(f"{CLINIC:08x}-0000-8000-8000-00000000da11")


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
        await patient.clock.install()
        await patient.goto(site.url + path_of(appointment))
        await follow(patient.get_by_role("link", name="Join the video visit"))
        await follow(patient.get_by_role("button", name="Enter the waiting room"))
        await expect(doctor.locator("#waiting")).to_contain_text("1 waiting", timeout=BOARD_MS)
        await doctor.goto(f"{site.url}/staff/{CLINIC}/appointments/{appointment['id']}/call")
        await follow(doctor.get_by_role("button", name="10", exact=False).first)
        await patient.clock.fast_forward("00:10")
        await expect(patient.locator("#visit")).to_contain_text("is running about 10")
        await follow(doctor.get_by_role("button", name="Let the patient in"))
        await patient.clock.fast_forward("00:10")
        await follow(patient.get_by_role("button", name="Join the call"))
        await expect(patient.locator("main")).to_contain_text("Vera Video")


@asynccontextmanager
async def recorded_by_daily(site: Site, appointment_id: str) -> AsyncIterator[asyncpg.Connection]:
    """Let the clinic record visits whose patients agree, and this visit take place at Daily."""
    async with connect(site) as db:
        await db.execute(
            """
            insert into call_settings (clinic_id, id, gateway, connection, recording)
            values ($1, $2, 'daily', $3, 'onConsent')
            """,
            CLINIC,
            SETTINGS,
            KEYS.encrypt('{"url": "https://lakeside.daily.co"}', EncryptedField.CALL_CONNECTION, SETTINGS),
        )
        try:
            await db.execute("update call set gateway = 'daily' where appointment_id = $1", UUID(appointment_id))
            yield db
        finally:
            await db.execute("delete from call_settings where clinic_id = $1", CLINIC)


async def expect_usable(page: Page) -> None:
    await expect_accessible(page)
    await expect_no_sideways_scrolling(page)


@pytest.mark.parametrize("language", AXE_LANGUAGES)
async def test_a_patient_agrees_to_a_recording_and_withdraws_consent(site, browser, language):
    _, appointment, email = await add_visit(site)
    async with (
        open_page(browser, language, viewport=PHONE) as patient,
        open_page(browser, language, viewport={"width": 1280, "height": 1000}) as doctor,
        recorded_by_daily(site, appointment["id"]) as db,
    ):
        await patient.goto(site.url + path_of(appointment))
        await follow(patient.locator("a[href^='/join/']"))
        await expect_usable(patient)
        await patient.locator("[name=agrees]").check()
        await follow(patient.locator("form[action$='/recording'] button"))
        await expect(patient.locator("form[action$='/withdraw'] button")).to_be_visible()
        await expect_usable(patient)

        await sign_in(doctor, site.url, email, PASSWORD)
        await doctor.goto(f"{site.url}/staff/{CLINIC}/appointments/{appointment['id']}/call")
        await follow(doctor.locator("[name=act][value=record]"))
        await expect(doctor.locator("[name=act][value=dont-record]")).to_be_visible()
        await db.execute(
            """
            insert into recording (clinic_id, id, call_id, gateway, provider_id, state, key, bytes, sha256, delete_at)
            select clinic_id, mint_id(clinic_id), id, 'daily', 'rec-1', 'stored', $2, 3, sha256('abc'),
                   now() + interval '30 days'
              from call where appointment_id = $1
            """,
            UUID(appointment["id"]),
            CIPHERTEXT,
        )
        await doctor.reload()
        await expect(doctor.locator("a[href*='/recordings/']")).to_have_count(1)
        await expect_usable(doctor)

        await follow(patient.locator("form[action$='/withdraw'] button"))
        await expect(patient.locator("[name=agrees]")).to_be_visible()
        await doctor.reload()
        await expect(doctor.locator("a[href*='/recordings/']")).to_have_count(0)


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


@pytest.mark.parametrize("viewport", [PHONE, {"width": 1280, "height": 800}])
async def test_patients_agree_to_a_recording_and_withdraw_their_consent(site, browser, viewport):
    _, appointment, _ = await add_visit(site)
    async with connect(site) as db:
        await db.execute(
            """
            insert into call_settings (clinic_id, id, gateway, opens_before_minutes, recording)
            select $1, mint_id($1), 'demo', 15, 'onConsent'
             where not exists (select from call_settings where clinic_id = $1)
            """,
            CLINIC,
        )
        await db.execute("update call set gateway = 'daily' where appointment_id = $1", UUID(appointment["id"]))
    async with open_page(browser, viewport=viewport) as page:
        await page.goto(site.url + path_of(appointment))
        await follow(page.get_by_role("link", name="Join the video visit"))
        await page.locator("#agrees").check()
        await follow(page.get_by_role("button", name="Save consent"))
        await follow(page.get_by_role("button", name="Withdraw consent"))
        await expect(page.get_by_role("button", name="Save consent")).to_be_visible()


async def test_the_waiting_room_opens_by_itself(site, browser):
    _, appointment, _ = await add_visit(site)
    id = UUID(appointment["id"])
    async with connect(site) as db, open_page(browser, viewport=PHONE, timezone_id="Asia/Tokyo") as page:
        await begin_at(db, id, datetime.now(UTC) + timedelta(minutes=75))
        await page.clock.install()
        await page.goto(site.url + path_of(appointment))
        await expect(page.locator("main")).to_contain_text("your local time:")
        await follow(page.get_by_role("link", name="Join the video visit"))
        visit = page.locator("#visit")
        await expect(visit).to_contain_text("You can keep this page open until then.")
        await expect(visit).to_contain_text("your local time:")
        await begin_at(db, id, datetime.now(UTC) + timedelta(minutes=5))
        await page.clock.fast_forward("01:00:00")
        await expect(page.get_by_role("button", name="Enter the waiting room")).to_be_visible()


async def test_a_guest_whose_link_is_revoked_does_not_keep_waiting(site, browser):
    _, appointment, _ = await add_visit(site)
    async with open_page(browser, viewport=PHONE) as patient, open_page(browser, viewport=PHONE) as guest:
        await patient.goto(site.url + path_of(appointment))
        await patient.locator("[name=name]").fill("Ines")
        await follow(patient.locator("form[action$='/guests'] button"))
        await guest.clock.install()
        await guest.goto(await patient.locator("#guest-1").input_value())
        await expect(guest.locator("#visit")).to_contain_text("You are in the waiting room")
        await follow(patient.get_by_role("button", name="Remove Ines"))
        await guest.clock.fast_forward("00:10")
        await expect(guest.locator("#visit")).to_contain_text("We can’t find this video visit.")


async def test_staff_copy_the_patients_link(site, browser):
    room, appointment, email = await add_visit(site)
    permissions = ["clipboard-read", "clipboard-write"]
    async with open_page(browser, viewport={"width": 1280, "height": 1000}, permissions=permissions) as page:
        await sign_in(page, site.url, email, PASSWORD)
        await page.goto(f"{room.address}&appointment={appointment['id']}")
        panel = page.locator("#appointment")
        await panel.get_by_role("button", name="Copy the patient’s link").click()
        await expect(page.locator("#announcement")).to_contain_text("Link copied.")
        link = await page.evaluate("navigator.clipboard.readText()")
        assert "/join/" in link


async def test_the_panel_leads_to_the_page_of_an_ended_call(site, browser):
    room, appointment, email = await add_visit(site)
    async with connect(site) as db:  # a call that was never opened would be made again
        await db.execute("update call set opened_at = now() where appointment_id = $1", UUID(appointment["id"]))
    async with open_page(browser, viewport={"width": 1280, "height": 1000}) as page:
        await sign_in(page, site.url, email, PASSWORD)
        await page.goto(f"{room.address}&appointment={appointment['id']}")
        panel = page.locator("#appointment")
        sender = panel.get_by_role("button", name="Send the link again")
        await expect(sender).to_be_visible()
        with api(site) as client:
            client.post(f"/api/appointments/{appointment['id']}/call/end").raise_for_status()
        await expect(sender).to_be_hidden(timeout=BOARD_MS)
        await expect(panel.get_by_role("button", name="Copy the patient’s link")).to_be_hidden()
        await follow(panel.get_by_role("link", name="Video visit"))
        await expect(page.locator("#visit")).to_contain_text("This call has been ended.")


async def test_patients_copy_their_guests_links(site, browser):
    _, appointment, _ = await add_visit(site)
    permissions = ["clipboard-read", "clipboard-write"]
    async with open_page(browser, viewport=PHONE, permissions=permissions) as page:
        await page.goto(site.url + path_of(appointment))
        for number, name in enumerate(("Ines", "Igor"), start=1):
            await page.locator("[name=name]").fill(name)
            await follow(page.locator("form[action$='/guests'] button"))
            await page.locator(f"[data-copies=guest-{number}]").click()
            link = await page.locator(f"#guest-{number}").input_value()
            assert await page.evaluate("navigator.clipboard.readText()") == link
