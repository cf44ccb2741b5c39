"""The page behind a manage link, with its cancellation form."""

import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from support.app import ADMIN
from support.appointments import begin_now
from support.manage_links import START, book, create_visit, page_path, status
from support.world import create_appointment_type, hours_ahead

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
async def visit(db, client):
    return await create_visit(db, client)


async def test_the_page_shows_the_clinic_doctor_type_and_local_time(client, visit):
    appointment = await book(client, visit, endTime=None, appointmentTypeId=await create_appointment_type(client))
    page = (await client.get(page_path(appointment), headers={"Accept-Language": "en"})).text
    hour = START.astimezone(ZoneInfo("Europe/Berlin")).hour
    for text in (
        "Lakeside Clinic",
        "Dr Shah",
        "Check-up",
        "Seestraße 12",
        "+493012345678",
        "030 12345678",
        f"{hour:02}:00",
        "Berlin time",
        "Your appointment is booked.",
    ):
        assert text in page, text
    assert not {"Ana", "ana@example.org", visit["customerId"]} & set(
        re.findall(r"Ana|ana@example\.org|[0-9a-f-]{36}", page)
    )


@pytest.mark.parametrize(("language", "title"), [("de", "Ihr Termin"), ("es", "Su cita"), ("fr", "Votre rendez-vous")])
async def test_the_page_is_in_the_readers_language(client, visit, language, title):
    page = await client.get(page_path(await book(client, visit)), headers={"Accept-Language": language})
    assert f"<h1>{title}</h1>" in page.text
    assert re.search(f'<html lang="{language}(-DE)?" dir="ltr">', page.text)


async def test_the_page_is_neither_cached_nor_indexed_and_sends_no_referrer(client, visit):
    appointment = await book(client, visit)
    for response in (
        await client.get(page_path(appointment)),
        await client.post(page_path(appointment, "/cancel")),
        await client.get("/appointments/apm_x"),
    ):
        headers = {name: response.headers.get(name) for name in ("Cache-Control", "Referrer-Policy", "X-Robots-Tag")}
        assert headers == {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}
        assert "ETag" not in response.headers


async def test_opening_the_link_changes_nothing(client, visit):
    appointment = await book(client, visit)
    for method in ("GET", "HEAD", "OPTIONS"):
        await client.request(method, page_path(appointment))
    assert await status(client, appointment) == "booked"


async def test_the_form_cancels_with_a_reason(db, client, visit):
    appointment = await book(client, visit)
    response = await client.post(
        page_path(appointment, "/cancel"), data={"reason": "  Better\n again ", "version": "1"}
    )
    assert (response.status_code, response.headers["Location"]) == (303, page_path(appointment))
    cancelled_appointment = (await client.get(f"/api/appointments/{appointment['id']}", headers=ADMIN)).json()
    assert (cancelled_appointment["status"], cancelled_appointment["cancelReason"]) == ("cancelled", "Better again")
    after = await client.get(response.headers["Location"])
    assert ("This appointment has been cancelled." in after.text, "<form" in after.text) == (True, False)


async def test_the_reason_is_optional(client, visit):
    appointment = await book(client, visit)
    await client.post(page_path(appointment, "/cancel"))
    assert (await client.get(f"/api/appointments/{appointment['id']}", headers=ADMIN)).json()["cancelReason"] is None


async def test_cancelling_again_keeps_the_first_reason(client, visit):
    appointment = await book(client, visit)
    assert [
        (await client.post(page_path(appointment, "/cancel"), data={"reason": reason})).status_code
        for reason in ("first", "second")
    ] == [303, 303]
    assert (await client.get(f"/api/appointments/{appointment['id']}", headers=ADMIN)).json()["cancelReason"] == "first"


async def test_cancelling_from_an_outdated_page_shows_the_change_first(client, visit):
    appointment = await book(client, visit)
    await client.put(
        f"/api/appointments/{appointment['id']}",
        json={"startTime": (START + timedelta(hours=2)).isoformat()},
        headers=ADMIN,
    )
    response = await client.post(page_path(appointment, "/cancel"), data={"version": "1"})
    assert (response.status_code, 'role="alert"' in response.text) == (412, True)
    assert 'name="version" value="2"' in (await client.get(page_path(appointment, "/cancel"))).text
    assert await status(client, appointment) == "booked"


async def test_the_form_works_for_a_clinic_that_requires_versions(client, visit):
    appointment = await book(client, visit)
    await client.patch("/api/clinics/1", json={"policy": {"requireVersion": True}}, headers=ADMIN)
    assert (await client.post(page_path(appointment, "/cancel"))).status_code == 428
    (version,) = re.findall(r'name="version" value="(\d+)"', (await client.get(page_path(appointment, "/cancel"))).text)
    assert (await client.post(page_path(appointment, "/cancel"), data={"version": version})).status_code == 303


async def test_a_fulfilled_appointment_cannot_be_cancelled(db, client, visit):
    appointment = await book(client, visit)
    await begin_now(db, appointment["id"])
    for step in ("arrive", "fulfil"):
        await client.post(f"/api/appointments/{appointment['id']}/{step}", headers=ADMIN)
    page = await client.get(page_path(appointment))
    assert ("This appointment has already started." in page.text, "<form" in page.text) == (True, False)
    response = await client.post(page_path(appointment, "/cancel"))
    assert (response.status_code, 'role="alert"' in response.text) == (409, True)
    assert await status(client, appointment) == "fulfilled"


async def test_an_appointment_that_has_started_has_no_form(db, client, visit):
    appointment = await book(client, visit)
    await db.execute(
        """
        update booking_slot
           set during = tstzrange(minute - interval '2 hours', minute + interval '9 days'), date = now()::date
          from date_trunc('minute', now()) as minute
        """
    )
    await db.execute(
        "update appointment set during = tstzrange($1, $2), claimed = tstzrange($1, $2)",
        hours_ahead(-1),
        hours_ahead(-0.5),
    )
    page = await client.get(page_path(appointment))
    assert (page.status_code, "This appointment has already started." in page.text, "<form" in page.text) == (
        200,
        True,
        False,
    )


async def test_the_cancellation_notice_also_applies_to_the_page(client, visit):
    appointment = await book(client, visit)
    await client.patch(
        "/api/clinics/1", json={"policy": {"changeGraceMinutes": 0, "cancelNoticeMinutes": 60 * 24 * 14}}, headers=ADMIN
    )
    response = await client.post(page_path(appointment, "/cancel"))
    assert (response.status_code, 'role="alert"' in response.text) == (409, True)
    assert await status(client, appointment) == "booked"


@pytest.mark.parametrize(
    "form",
    [
        {"content": b"reason=%00%ff%ed%a0%80&version=%00", "headers": FORM},
        {"content": b"reason=" + b"x" * 500_000, "headers": FORM},
        {"content": b"&".join(b"a%d=1" % n for n in range(2000)), "headers": FORM},
        {"content": b"\xff\xfe&&==&%&version=99999999999999999999", "headers": FORM},
        {"content": b"reason=x"},
        {"json": {"reason": "x"}},
        {"files": {"reason": b"x"}},
        {"data": {"reason": "<script>alert(1)</script>"}},
    ],
)
async def test_malformed_forms_never_cause_a_server_error(client, visit, form):
    appointment = await book(client, visit)
    response = await client.post(page_path(appointment, "/cancel"), **form)
    assert response.status_code in (303, 400, 413, 415)
    reason = (await client.get(f"/api/appointments/{appointment['id']}", headers=ADMIN)).json()["cancelReason"] or ""
    assert len(reason) <= 200
    assert "<script>" not in (await client.get(page_path(appointment))).text


async def test_reading_and_cancelling_by_link_are_audited_without_the_token(db, client, visit):
    appointment = await book(client, visit)
    await client.get(page_path(appointment))
    await client.post(page_path(appointment, "/cancel"))
    rows = await db.fetch(
        "select actor, action, subjects, clinic_id from audit_unsealed where action like '%ByLink' order by at, id"
    )
    assert [(row.actor, row.action, row.subjects, row.clinic_id) for row in rows] == [
        (f"link:{appointment['id']}", "showAppointmentByLink", [appointment["id"]], 1),
        (f"link:{appointment['id']}", "cancelAppointmentByLink", [appointment["id"]], 1),
    ]
    assert appointment["manageToken"] not in await db.fetchval("select string_agg(a::text, '') from audit_unsealed a")


async def test_a_refused_cancellation_by_link_is_audited_but_changes_nothing(db, client, visit):
    appointment = await book(client, visit)
    await client.post(page_path(appointment, "/cancel"), data={"version": "7"})
    cancellations = "select count(*) from audit_unsealed where action = 'cancelAppointmentByLink' and subjects <> '{}'"
    assert await db.fetchval(cancellations) == 1
    assert await status(client, appointment) == "booked"
