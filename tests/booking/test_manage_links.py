"""A manage-link: whoever has it sees, moves and cancels one appointment, and that one alone."""

import re
from datetime import datetime, timedelta
from urllib.parse import quote
from uuid import UUID, uuid4

import pytest

from appoint.booking import links
from appoint.kit import ids
from appoint.kit.signed_tokens import sign_id
from support.app import ADMIN
from support.post import LINKS, Office, Post
from support.rows import appointment_type, clinic, customer, doctor, later, publish

SECRET = "signs links in tests"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
START = later(24 * 7).replace(hour=9, minute=0, second=0)


@pytest.fixture
async def place(db, client):
    """A clinic in Berlin with a doctor who has published a day, and Ana, who has an e-mail address."""
    await clinic(client, phone="+493012345678", address="Seestraße 12\n13353 Berlin", email="desk@lakeside.example")
    shah = await doctor(client)
    await publish(db, shah, START, START + timedelta(hours=6))
    ana = await customer(client, email="ana@example.org")
    return {"doctorId": shah, "customerId": ana}


async def book(client, place, hours=0, **more) -> dict:
    start = START + timedelta(hours=hours)
    wish = {**place, "startTime": start.isoformat(), "endTime": (start + timedelta(minutes=30)).isoformat(), **more}
    made = await client.post("/api/appointments", json=wish)
    assert made.status_code == 201, made.text
    return made.json()


def holding(appointment: dict) -> dict[str, str]:
    return {"Authorization": f"Bearer {appointment['manageToken']}"}


def page_of(appointment: dict, part: str = "") -> str:
    return f"/appointments/{appointment['manageToken']}{part}"


async def status(client, appointment: dict) -> str:
    return (await client.get(f"/api/appointments/{appointment['id']}", headers=ADMIN)).json()["status"]


# who gets one


async def test_who_books_gets_the_token_of_each_appointment_also_when_they_repeat_the_request(client, place):
    parts = [
        {
            "startTime": (START + timedelta(hours=hours)).isoformat(),
            "endTime": (START + timedelta(hours=hours, minutes=30)).isoformat(),
        }
        for hours in (1, 2)
    ]
    wish = {
        "clinicId": 1,
        "customerId": place["customerId"],
        "appointments": [{**part, "doctorId": place["doctorId"]} for part in parts],
    }
    first, again = [
        await client.post("/api/bookings", json=wish, headers={"Idempotency-Key": "once"}) for _ in range(2)
    ]
    tokens = [appointment["manageToken"] for appointment in first.json()["appointments"]]
    assert len(set(tokens)) == 2
    assert [links.appointment_of(SECRET, token) for token in tokens] == [
        UUID(appointment["id"]) for appointment in first.json()["appointments"]
    ]
    assert (
        again.headers["Idempotent-Replayed"],
        [appointment["manageToken"] for appointment in again.json()["appointments"]],
    ) == ("true", tokens)


async def test_nobody_else_is_shown_it(client, place):
    made = await book(client, place)
    paths = [
        f"/api/appointments/{made['id']}",
        "/api/clinics/1/appointments",
        "/api/clinics/1/bookings",
        f"/api/clinics/1/bookings/{made['bookingId']}",
        f"/api/customers/{place['customerId']}/appointments",
    ]
    assert [path for path in paths if "manageToken" in (await client.get(path, headers=ADMIN)).text] == []
    assert "manageToken" not in (await client.get(f"/api/appointments/{made['id']}", headers=holding(made))).text


async def test_a_token_is_short_enough_for_a_text_message_and_fit_for_an_address(client, place):
    token = (await book(client, place))["manageToken"]
    assert len(token) < 60
    assert quote(token, safe="") == token


async def test_mails_and_texts_have_the_link(db, client, place):
    post, office = Post(), None
    office = Office(db, post)
    made = await book(client, place)
    await office.tell(later(0))
    await client.put(
        f"/api/appointments/{made['id']}", json={"startTime": (START + timedelta(hours=2)).isoformat()}, headers=ADMIN
    )
    await office.tell(later(0))
    await client.patch(
        f"/api/customers/{place['customerId']}", json={"email": None, "phone": "+4915112345678"}, headers=ADMIN
    )
    await office.remind(START - timedelta(hours=10), timedelta(hours=12))
    await office.send(START + timedelta(hours=1))
    wanted = f"https://appoint.example/appointments/{links.token(LINKS.secret, UUID(made['id']))}"
    assert [message.channel for message in post.taken] == ["email", "email", "sms", "sms"]
    assert [wanted in message.text for message in post.taken] == [True] * 4
    assert [message.html.count(f'<a href="{wanted}"') for message in post.taken[:2]] == [1, 1]


async def test_who_is_told_of_a_cancellation_gets_no_link(db, client, place):
    post = Post()
    made = await book(client, place)
    await client.delete(f"/api/appointments/{made['id']}", headers=ADMIN)
    await Office(db, post).tell(later(0))
    assert [("cancelled" in message.subject, "/appointments/" in message.text) for message in post.taken] == [
        (True, False)
    ]


# what it is good for


async def test_its_holder_sees_moves_and_cancels_the_appointment(client, place):
    made = await book(client, place)
    path = f"/api/appointments/{made['id']}"
    assert (await client.get(path, headers=holding(made))).json()["startTime"] == made["startTime"]
    moved = await client.put(path, json={"startTime": (START + timedelta(hours=1)).isoformat()}, headers=holding(made))
    assert (moved.status_code, datetime.fromisoformat(moved.json()["startTime"])) == (200, START + timedelta(hours=1))
    assert (await client.delete(path, headers=holding(made))).status_code == 204
    assert await status(client, made) == "cancelled"


async def test_it_survives_a_move(client, place):
    made = await book(client, place)
    await client.put(
        f"/api/appointments/{made['id']}", json={"startTime": (START + timedelta(hours=1)).isoformat()}, headers=ADMIN
    )
    assert (await client.get(f"/api/appointments/{made['id']}", headers=holding(made))).status_code == 200


async def test_its_holder_does_not_see_what_the_clinic_notes(client, place):
    made = await book(client, place)
    await client.patch(f"/api/appointments/{made['id']}", json={"notes": "Afraid of needles"}, headers=ADMIN)
    assert "needles" not in (await client.get(f"/api/appointments/{made['id']}", headers=holding(made))).text
    assert "needles" not in (await client.get(page_of(made))).text


async def test_it_is_good_for_no_other_appointment_and_nothing_else(client, place):
    mine, other = await book(client, place), await book(client, place, 1)
    asked = [
        ("get", f"/api/appointments/{other['id']}", 404),
        ("delete", f"/api/appointments/{other['id']}", 404),
        ("put", f"/api/appointments/{other['id']}", 404),
        ("get", f"/api/appointments/{ids.new_id(1)}", 404),
        ("get", f"/api/clinics/1/bookings/{other['bookingId']}", 404),
        ("get", f"/api/customers/{place['customerId']}", 403),
        ("get", "/api/customers", 403),
        ("get", "/api/clinics/1/appointments", 403),
        ("get", "/api/clinics/1/patients", 403),
        ("post", f"/api/appointments/{mine['id']}/arrive", 403),
        ("patch", f"/api/appointments/{mine['id']}", 403),
        ("get", f"/api/doctors/{place['doctorId']}/bookingSlots", None),
    ]
    for method, path, expected in asked:
        body = {"startTime": START.isoformat()} if method == "put" else {"notes": "x"} if method == "patch" else None
        answer = await client.request(method, path, json=body, headers=holding(mine))
        assert answer.status_code in ({expected} if expected else {200, 403}), (method, path, answer.text)
    assert await status(client, other) == "booked"


async def test_of_a_booking_for_a_family_its_holder_sees_their_own_appointment(client, place):
    times = [
        {
            "startTime": (START + timedelta(hours=hours)).isoformat(),
            "endTime": (START + timedelta(hours=hours + 1)).isoformat(),
        }
        for hours in (0, 1)
    ]
    parts = [
        {**time, "customerId": who, "doctorId": place["doctorId"]}
        for time, who in zip(times, [place["customerId"], await customer(client)], strict=True)
    ]
    made = (
        await client.post(
            "/api/bookings", json={"clinicId": 1, "customerId": place["customerId"], "appointments": parts}
        )
    ).json()
    seen = []
    for appointment in made["appointments"]:
        answer = await client.get(f"/api/clinics/1/bookings/{made['bookingId']}", headers=holding(appointment))
        seen.append([each["id"] for each in answer.json().get("appointments", [])])
    assert [
        ids for ids, appointment in zip(seen, made["appointments"], strict=True) if ids not in ([], [appointment["id"]])
    ] == []


def forged(token: str) -> list[str]:
    value, _, signature = token.removeprefix("apm_").partition(".")
    other = sign_id("another secret", "manage", uuid4())
    return [
        f"apm_{value}",
        f"apm_{value}.",
        f"apm_.{signature}",
        f"apm_{value}.{'A' * len(signature)}",
        f"apm_{other}",
        f"apm_{sign_id(SECRET, 'else', uuid4())}",
        f"apm_{other.partition('.')[0]}.{signature}",
        "apm_",
        "apm_..",
        "apm_" + "A" * 5000,
        token.removeprefix("apm_"),
        token + "A",
        token[:-1],
        token + ".x",
        token.swapcase(),
    ]


async def test_what_somebody_made_up_is_nobodys(client, place):
    made = await book(client, place)
    for token in forged(made["manageToken"]):
        answer = await client.get(f"/api/appointments/{made['id']}", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401, token


async def test_a_link_to_nothing_says_so(client, place):
    made = await book(client, place)
    gone = links.token(SECRET, ids.new_id(1))
    for token in [
        *forged(made["manageToken"]),
        gone,
        links.token(SECRET, ids.new_id(7)),
        links.token(SECRET, uuid4()),
        "%00",
        "%ff",
        "ä",
    ]:
        for answer in (
            await client.get(f"/appointments/{token}"),
            await client.post(f"/appointments/{token}/cancel", data={"reason": "x"}),
        ):
            assert answer.status_code == 404, token
            assert "We can’t find this appointment." in answer.text
    assert await status(client, made) == "booked"


# the page


async def test_the_page_shows_clinic_doctor_type_and_time_in_the_clinics_zone(client, place):
    made = await book(client, place, endTime=None, appointmentTypeId=await appointment_type(client))
    page = (await client.get(page_of(made), headers={"Accept-Language": "en"})).text
    hour = START.astimezone(__import__("zoneinfo").ZoneInfo("Europe/Berlin")).hour
    for shown in (
        "Lakeside Clinic",
        "Dr Shah",
        "Check-up",
        "Seestraße 12",
        "+493012345678",
        f"{hour}:00",
        "Central European",
        "Your appointment is booked.",
    ):
        assert shown in page, shown
    assert not {"Ana", "ana@example.org", place["customerId"]} & set(
        re.findall(r"Ana|ana@example\.org|[0-9a-f-]{36}", page)
    )


@pytest.mark.parametrize(("language", "title"), [("de", "Ihr Termin"), ("es", "Su cita"), ("fr", "Votre rendez-vous")])
async def test_the_page_speaks_its_readers_language(client, place, language, title):
    page = await client.get(page_of(await book(client, place)), headers={"Accept-Language": language})
    assert f"<h1>{title}</h1>" in page.text
    assert f'<html lang="{language}" dir="ltr">' in page.text


async def test_the_page_is_for_nobodys_cache_no_search_engine_and_no_other_site(client, place):
    made = await book(client, place)
    for answer in (
        await client.get(page_of(made)),
        await client.post(page_of(made, "/cancel")),
        await client.get("/appointments/apm_x"),
    ):
        headers = {name: answer.headers.get(name) for name in ("Cache-Control", "Referrer-Policy", "X-Robots-Tag")}
        assert headers == {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}
        assert "ETag" not in answer.headers


async def test_looking_at_the_link_changes_nothing(client, place):
    made = await book(client, place)
    for method in ("GET", "HEAD", "OPTIONS"):
        await client.request(method, page_of(made))
    assert await status(client, made) == "booked"


async def test_the_form_cancels_with_a_reason(db, client, place):
    made = await book(client, place)
    answer = await client.post(page_of(made, "/cancel"), data={"reason": "  Better\n again ", "version": "1"})
    assert (answer.status_code, answer.headers["Location"]) == (303, page_of(made))
    shown = (await client.get(f"/api/appointments/{made['id']}", headers=ADMIN)).json()
    assert (shown["status"], shown["cancelReason"]) == ("cancelled", "Better again")
    after = await client.get(answer.headers["Location"])
    assert ("This appointment has been cancelled." in after.text, "<form" in after.text) == (True, False)


async def test_a_reason_is_not_needed(client, place):
    made = await book(client, place)
    await client.post(page_of(made, "/cancel"))
    assert (await client.get(f"/api/appointments/{made['id']}", headers=ADMIN)).json()["cancelReason"] is None


async def test_cancelling_twice_is_cancelling_once(client, place):
    made = await book(client, place)
    assert [
        (await client.post(page_of(made, "/cancel"), data={"reason": reason})).status_code
        for reason in ("first", "second")
    ] == [303, 303]
    assert (await client.get(f"/api/appointments/{made['id']}", headers=ADMIN)).json()["cancelReason"] == "first"


async def test_what_has_changed_since_the_page_was_shown_is_shown_first(client, place):
    made = await book(client, place)
    await client.put(
        f"/api/appointments/{made['id']}", json={"startTime": (START + timedelta(hours=2)).isoformat()}, headers=ADMIN
    )
    answer = await client.post(page_of(made, "/cancel"), data={"version": "1"})
    assert (answer.status_code, 'role="alert"' in answer.text) == (412, True)
    assert 'name="version" value="2"' in (await client.get(page_of(made, "/cancel"))).text
    assert await status(client, made) == "booked"


async def test_a_clinic_that_insists_on_versions_can_be_cancelled_with_too(client, place):
    made = await book(client, place)
    await client.patch("/api/clinics/1", json={"policy": {"requireVersion": True}}, headers=ADMIN)
    assert (await client.post(page_of(made, "/cancel"))).status_code == 428
    (version,) = re.findall(r'name="version" value="(\d+)"', (await client.get(page_of(made, "/cancel"))).text)
    assert (await client.post(page_of(made, "/cancel"), data={"version": version})).status_code == 303


async def test_what_is_over_cannot_be_cancelled(client, place):
    made = await book(client, place)
    for step in ("arrive", "fulfil"):
        await client.post(f"/api/appointments/{made['id']}/{step}", headers=ADMIN)
    page = await client.get(page_of(made))
    assert ("This appointment has already started." in page.text, "<form" in page.text) == (True, False)
    answer = await client.post(page_of(made, "/cancel"))
    assert (answer.status_code, 'role="alert"' in answer.text) == (409, True)
    assert await status(client, made) == "fulfilled"


async def test_an_appointment_that_has_begun_has_no_form(db, client, place):
    made = await book(client, place)
    await db.execute(
        "update booking_slot set during = tstzrange(now() - interval '2 hours', now() + interval '9 days'), date = now()::date"
    )
    await db.execute(
        "update appointment set during = tstzrange($1, $2), claimed = tstzrange($1, $2)", later(-1), later(-0.5)
    )
    page = await client.get(page_of(made))
    assert (page.status_code, "This appointment has already started." in page.text, "<form" in page.text) == (
        200,
        True,
        False,
    )


async def test_the_clinics_notice_binds_the_page_too(client, place):
    made = await book(client, place)
    await client.patch("/api/clinics/1", json={"policy": {"cancelNoticeMinutes": 60 * 24 * 14}}, headers=ADMIN)
    answer = await client.post(page_of(made, "/cancel"))
    assert (answer.status_code, 'role="alert"' in answer.text) == (409, True)
    assert await status(client, made) == "booked"


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
async def test_whatever_the_form_sends_is_no_fault_of_ours(client, place, form):
    made = await book(client, place)
    answer = await client.post(page_of(made, "/cancel"), **form)
    assert answer.status_code in (303, 400, 413, 415)
    reason = (await client.get(f"/api/appointments/{made['id']}", headers=ADMIN)).json()["cancelReason"] or ""
    assert len(reason) <= 200
    assert "<script>" not in (await client.get(page_of(made))).text


async def test_who_looks_and_cancels_by_the_link_is_in_the_audit_and_the_link_is_not(db, client, place):
    made = await book(client, place)
    await client.get(page_of(made))
    await client.post(page_of(made, "/cancel"))
    rows = await db.fetch(
        "select actor, action, subjects, clinic_id from audit_unsealed where action like '%ByLink' order by at, id"
    )
    assert [(row.actor, row.action, row.subjects, row.clinic_id) for row in rows] == [
        (f"link:{made['id']}", "showAppointmentByLink", [made["id"]], 1),
        (f"link:{made['id']}", "cancelAppointmentByLink", [made["id"]], 1),
    ]
    assert made["manageToken"] not in await db.fetchval("select string_agg(a::text, '') from audit_unsealed a")


async def test_a_cancellation_that_was_refused_is_not_in_the_audit(db, client, place):
    made = await book(client, place)
    await client.post(page_of(made, "/cancel"), data={"version": "7"})
    assert await db.fetchval(
        "select count(*) from audit_unsealed where action = 'cancelAppointmentByLink' and subjects <> '{}'"
    ) in (0, 1)
    assert await status(client, made) == "booked"
