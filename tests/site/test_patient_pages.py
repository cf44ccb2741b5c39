"""What patients do with their appointments on pages: by the link of a message, or signed in by a code."""

import html
import re
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from icalendar import Calendar

from appoint.clinics.catalogue import service as catalogue
from appoint.http.access import COOKIE
from appoint.http.rate_limits.sign_in_throttle import FROM_ONE_NETWORK
from appoint.kit import errors
from appoint.kit.i18n import translate
from appoint.kit.signed_tokens import six_digit_code as code_of
from appoint.server import app as application
from support.app import ADMIN, TOKEN, settings
from support.rows import appointment_type, clinic, customer, doctor, later, publish

SECRET = "signs links in tests"
NO_PAGE = "This page doesn’t exist, or you don’t have access to it. Check that the link is complete."
START = later(24 * 7).replace(hour=9, minute=0, second=0)
CROSS_SITE = {"Sec-Fetch-Site": "cross-site"}
STYLES = Path(__file__).parents[2] / "frontend" / "styles"


@pytest.fixture
async def place(db, client):
    """A clinic in Berlin where Dr Shah and Dr Roy have published a day, and Ana, who has an e-mail address."""
    await clinic(
        client,
        phone="+493012345678",
        address="Seestraße 12\n13353 Berlin",
        email="desk@lakeside.example",
        slug="lakeside",
    )
    shah, roy = await doctor(client), await doctor(client, name="Dr Roy")
    for each in (shah, roy):
        await publish(db, each, START, START + timedelta(hours=6))
    ana = await customer(client, email="ana@example.org", phone="+4915112345678")
    return {"doctorId": shah, "customerId": ana, "appointmentTypeId": await appointment_type(client), "roy": roy}


def at(hours: float) -> str:
    return f"{START + timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}"


async def book(client, place, hours=0.0, **more) -> dict:
    wish = {name: place[name] for name in ("doctorId", "customerId", "appointmentTypeId")}
    made = await client.post("/api/appointments", json={**wish, "startTime": at(hours), **more})
    assert made.status_code == 201, made.text
    return made.json()


def page_of(appointment: dict, part: str = "") -> str:
    return f"/appointments/{appointment['manageToken']}{part}"


async def now_of(client, appointment: dict) -> dict:
    return (await client.get(f"/api/appointments/{appointment['id']}", headers=ADMIN)).json()


async def ask_for_notice(client, minutes=60 * 24 * 14) -> None:
    await client.patch("/api/clinics/1", json={"policy": {"cancelNoticeMinutes": minutes}}, headers=ADMIN)


async def entries(db, like: str) -> list[tuple]:
    rows = await db.fetch(
        "select actor, action, subjects from audit_unsealed where action like $1 order by at, id", like
    )
    return [tuple(row) for row in rows]


# what it says


async def test_who_has_just_booked_is_told_so(client, place):
    made = await book(client, place)
    assert "Save this link" in (await client.get(page_of(made, "?new=1"))).text
    assert "Save this link" not in (await client.get(page_of(made))).text


async def test_a_calendar_can_have_the_appointment(client, place):
    made = await book(client, place)
    answer = await client.get(page_of(made, "/calendar.ics"))
    calendar = Calendar.from_ical(answer.text)
    (event,) = calendar.walk("VEVENT")
    assert (answer.headers["Content-Type"], answer.headers["Cache-Control"]) == (
        "text/calendar; charset=utf-8",
        "no-store",
    )
    assert (calendar["method"], str(event["uid"]), event["dtstart"].dt, event["dtend"].dt) == (
        "PUBLISH",
        made["id"],
        START,
        START + timedelta(minutes=30),
    )
    assert (str(event["summary"]), str(event["location"]), "attendee" in event) == (
        "Check-up, Dr Shah",
        "Seestraße 12, 13353 Berlin",
        False,
    )
    assert str(event["description"]).endswith(page_of(made))


async def test_what_is_cancelled_is_for_no_calendar(client, place):
    made = await book(client, place)
    await client.post(page_of(made, "/cancel"))
    assert (await client.get(page_of(made, "/calendar.ics"))).status_code == 404
    assert "/c/lakeside" in (await client.get(page_of(made))).text


async def test_links_to_other_calendars_say_the_same_and_not_who(client, place):
    page = html.unescape((await client.get(page_of(await book(client, place)))).text)
    google, outlook = re.findall(r'href="(https://[^"]+)" target="_blank" rel="noopener"', page)
    assert f"dates={START:%Y%m%dT%H%M%SZ}%2F" in google
    assert f"startdt={START:%Y-%m-%dT%H}%3A00%3A00Z" in outlook
    assert not re.search("Ana|apm_", google + outlook)


async def test_a_link_to_nothing_is_one_on_all_its_pages(client, place):
    for part in ("", "/move", "/cancel", "/calendar.ics"):
        assert (await client.get(f"/appointments/apm_x{part}")).status_code == 404
    for part in ("/move", "/cancel", "/confirm"):
        assert (await client.post(f"/appointments/apm_x{part}", data={"start": at(1)})).status_code == 404


async def test_when_it_is_too_late_the_page_says_whom_to_call_and_has_no_button_that_would_fail(client, place):
    made = await book(client, place)
    await ask_for_notice(client)
    page = (await client.get(page_of(made), headers={"Accept-Language": "en"})).text
    assert "Changes must be made at least 14 days in advance." in page
    assert 'href="tel:+493012345678"' in page
    assert not re.search("/move|/cancel", page)
    for part in ("/move", "/cancel"):
        assert (await client.get(page_of(made, part))).headers["Location"] == page_of(made)


async def test_until_when_it_can_be_moved_is_told(client, place):
    made = await book(client, place)
    await ask_for_notice(client, 60)
    assert "You can reschedule or cancel until" in (await client.get(page_of(made))).text


async def test_what_was_held_is_confirmed_by_a_button(client, place):
    made = await book(client, place, hold=True)
    assert "It is not booked yet." in (await client.get(page_of(made))).text
    answer = await client.post(page_of(made, "/confirm"))
    assert (answer.status_code, answer.headers["Location"], (await now_of(client, made))["status"]) == (
        303,
        page_of(made, "?new=1"),
        "booked",
    )


async def test_asking_whether_to_cancel_changes_nothing(client, place):
    made = await book(client, place)
    page = await client.get(page_of(made, "/cancel"))
    assert (page.status_code, "Cancel your appointment?" in page.text, (await now_of(client, made))["status"]) == (
        200,
        True,
        "booked",
    )


# moving


async def test_the_page_to_move_shows_free_times_of_the_same_doctor(client, place):
    made = await book(client, place)
    await book(client, place, 2, customerId=await customer(client))
    page = (await client.get(page_of(made, f"/move?date={START.date()}"))).text
    times = re.findall(r'name="start" value="([^"]+)"', page)
    assert (at(1) in times, at(2) in times, at(0) in times) == (True, False, False)


@pytest.mark.parametrize(
    "asked",
    [
        "month=2026-13",
        "month=%00",
        "date=x",
        "doctor=x",
        f"doctor={'0' * 32}",
        "month=0001-01",
        "date=9999-12-31",
        "lang=xx",
    ],
)
async def test_whatever_an_address_asks_for_there_is_a_month(client, place, asked):
    page = await client.get(page_of(await book(client, place), f"/move?{asked}"))
    assert (page.status_code, '<ol class="month"' in page.text) == (200, True)


async def test_choosing_a_time_moves_the_appointment(db, client, place):
    made = await book(client, place)
    answer = await client.post(page_of(made, "/move"), data={"start": at(3), "version": "1"})
    assert (answer.status_code, answer.headers["Location"], (await now_of(client, made))["startTime"]) == (
        303,
        page_of(made, "?moved=1"),
        at(3),
    )
    assert "Your appointment has been rescheduled." in (await client.get(answer.headers["Location"])).text
    assert (
        await db.fetchval(
            "select count(*) from audit_unsealed where action = 'moveAppointmentByLink' and actor = $1",
            f"link:{made['id']}",
        )
        == 2
    )
    assert made["manageToken"] not in await db.fetchval("select string_agg(a::text, '') from audit_unsealed a")


async def test_one_can_move_to_another_doctor_and_to_whoever_is_free(client, place):
    made = await book(client, place)
    await client.post(page_of(made, "/move"), data={"start": at(1), "doctor": place["roy"]})
    assert (await now_of(client, made))["doctorId"] == place["roy"]
    await book(client, {**place, "doctorId": place["roy"]}, 2, customerId=await customer(client))
    await client.post(page_of(made, "/move"), data={"start": at(2), "doctor": "any"})
    assert (await now_of(client, made))["doctorId"] == place["doctorId"]


async def test_a_time_that_somebody_took_meanwhile_is_answered_by_the_nearest_ones(client, place):
    made = await book(client, place)
    await book(client, place, 2, customerId=await customer(client))
    answer = await client.post(page_of(made, "/move"), data={"start": at(2), "version": "1"})
    nearest = re.search(r'role="alert".*?</ul>', answer.text, flags=re.DOTALL)
    assert nearest, answer.text
    assert (answer.status_code, at(2.5) in nearest[0], at(2) in nearest[0]) == (409, True, False)
    assert (await now_of(client, made))["startTime"] == at(0)


async def test_what_has_changed_meanwhile_is_shown_before_it_is_moved(client, place):
    made = await book(client, place)
    await client.put(f"/api/appointments/{made['id']}", json={"startTime": at(1)}, headers=ADMIN)
    answer = await client.post(page_of(made, "/move"), data={"start": at(2), "version": "1"})
    assert (answer.status_code, 'role="alert"' in answer.text, (await now_of(client, made))["startTime"]) == (
        412,
        True,
        at(1),
    )


async def test_too_late_is_too_late_for_moving_too(client, place):
    made = await book(client, place)
    await ask_for_notice(client)
    answer = await client.post(page_of(made, "/move"), data={"start": at(2)})
    assert (answer.status_code, 'role="alert"' in answer.text, "tel:+493012345678" in answer.text) == (409, True, True)


@pytest.mark.parametrize("start", ["", "x", "2027-01-01", "\ufffd", "9999-12-31T23:59:59Z"])
async def test_a_start_that_is_none_moves_nothing(client, place, start):
    made = await book(client, place)
    assert (await client.post(page_of(made, "/move"), data={"start": start})).status_code in (200, 409)
    assert (await now_of(client, made))["startTime"] == at(0)


async def test_at_a_clinic_without_types_one_moves_to_whole_slots(db, client, place):
    await client.delete(f"/api/appointmentTypes/{place['appointmentTypeId']}", headers=ADMIN)
    await db.execute("delete from booking_slot")
    for whose, first, last in (
        ("doctorId", 0, 1),
        ("doctorId", 1, 2),
        ("doctorId", 2, 5),
        ("roy", 1, 2),
        ("roy", 2, 5),
    ):
        await publish(db, place[whose], START + timedelta(hours=first), START + timedelta(hours=last))
    made = await book(client, {**place, "appointmentTypeId": None}, endTime=at(1))
    page = await client.get(page_of(made, f"/move?doctor=any&date={START.date()}"))
    assert re.findall(r'name="start" value="([^"]+)"', page.text) == [f"{at(1)} {at(2)}", f"{at(2)} {at(5)}"]
    other = await book(
        client, {**place, "appointmentTypeId": None, "customerId": await customer(client)}, 2, endTime=at(5)
    )
    refused = await client.post(
        page_of(made, "/move"), data={"start": f"{at(2)} {at(5)}", "doctor": place["doctorId"], "version": "1"}
    )
    nearest = re.search(r'role="alert".*?</ul>', refused.text, flags=re.DOTALL)
    assert nearest, refused.text
    assert (refused.status_code, re.findall(r'name="start" value="([^"]+)"', nearest[0])) == (409, [f"{at(1)} {at(2)}"])
    moved = await client.post(
        page_of(made, "/move"), data={"start": f"{at(2)} {at(5)}", "doctor": "any", "version": "1"}
    )
    now = await now_of(client, made)
    assert (moved.status_code, now["doctorId"], now["startTime"], now["endTime"]) == (303, place["roy"], at(2), at(5))
    assert (await now_of(client, other))["doctorId"] == place["doctorId"]


# signing in


async def ask(client, address="ana@example.org", **more) -> str:
    answer = await client.post("/sign-in", data={"address": address, **more})
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


def right(address: str) -> str:
    return code_of(SECRET, "sign-in", address.partition("?")[0].rpartition("/")[2])


async def sign_in(client, address="ana@example.org", **more) -> str:
    """The session's token."""
    there = await ask(client, address)
    answer = await client.post(there, data={"code": right(there), **more})
    assert answer.status_code == 303, answer.text
    return re.findall(f"{COOKIE}=([^;]+)", answer.headers["Set-Cookie"])[0]


def as_browser(token: str) -> dict[str, str]:
    return {"Cookie": f"{COOKIE}={token}"}


async def test_the_answer_is_the_same_whether_or_not_the_address_is_known(db, client, place):
    known, unknown = await ask(client), await ask(client, "nobody@example.org")
    shown = [re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "", (await client.get(there)).text) for there in (known, unknown)]
    assert shown[0] == shown[1]
    assert await db.fetchval("select count(*) from notification where kind = 'sign-in-code'") == 1


@pytest.mark.parametrize("address", ["Ana@Example.org ", "+49 151 12345678", "0151 12345678"])
async def test_an_address_is_read_as_people_write_it(db, client, place, address):
    await client.post("/sign-in", data={"address": address}, headers={"Accept-Language": "de"})
    assert await db.fetchval("select count(*) from notification where kind = 'sign-in-code'") == 1


@pytest.mark.parametrize("address", ["", "ana", "ana@", "12", "@", "x" * 300])
async def test_what_is_no_address_is_told_at_the_field(client, place, address):
    answer = await client.post("/sign-in", data={"address": address})
    assert (answer.status_code, 'aria-invalid="true"' in answer.text, f'value="{address}"' in answer.text) == (
        400,
        True,
        True,
    )


@pytest.mark.parametrize(("code", "status"), [("12", 400), ("abcdef", 400), ("", 400), ("wrong", 401)])
async def test_a_code_that_is_not_good_is_told_at_the_field(client, place, code, status):
    there = await ask(client)
    wrong = f"{(int(right(there)) + 1) % 1_000_000:06}"
    answer = await client.post(there, data={"code": wrong if code == "wrong" else code})
    assert (answer.status_code, 'aria-invalid="true"' in answer.text, "Set-Cookie" in answer.headers) == (
        status,
        True,
        False,
    )


async def test_a_code_is_good_once_and_may_have_blanks(client, place):
    there = await ask(client)
    code = f"{right(there)[:3]} {right(there)[3:]}"
    assert [(await client.post(there, data={"code": code})).status_code for _ in range(2)] == [303, 401]


async def test_too_many_codes_are_refused_on_the_page(client, place):
    answers = [
        await client.post("/sign-in", data={"address": "ana@example.org"}) for _ in range(FROM_ONE_NETWORK[0].most + 1)
    ]
    last = answers[-1]
    assert (last.status_code, 'role="alert"' in last.text, int(last.headers["Retry-After"]) > 0) == (429, True, True)


async def signed_in_together(client) -> dict[str, str]:
    """What a browser sends once it has signed in by a page, for all who share the address."""
    there = await ask(client)
    answer = await client.post(there, data={"code": right(there)})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/my")
    client.cookies.clear()
    return {"Cookie": "; ".join(header.split(";")[0] for header in answer.headers.get_list("Set-Cookie"))}


async def test_who_shares_an_address_sees_the_appointments_of_all_with_whose_they_are(client, place):
    """Also of who registered several times with one name, by booking several times without signing in."""
    ben, ana_again = (
        await customer(client, name="Ben", email="ANA@example.org"),
        await customer(client, name="Ana Souza", email="ana@example.org"),
    )
    other = await customer(client, name="Cleo", email="cleo@example.org")
    made = [
        await book(client, place, hours, customerId=who)
        for hours, who in enumerate((place["customerId"], ben, ana_again, other))
    ]
    browser = await signed_in_together(client)
    page = (await client.get("/my", headers=browser)).text
    assert [page_of(each) in page for each in made] == [True, True, True, False]
    assert re.findall(r"for (\w+) ·", page) == ["Ben"]


async def test_what_is_held_about_another_who_shares_the_address_is_a_button_away(db, client, place):
    ben, cleo = (
        await customer(client, name="Ben", email="ana@example.org"),
        await customer(client, name="Cleo", email="cleo@example.org"),
    )
    browser = await signed_in_together(client)
    page = (await client.get("/my", headers=browser)).text
    assert (
        f"/api/customers/{place['customerId']}/export" in page,
        re.findall(r'name="customer" value="([^"]+)"', page),
    ) == (True, [ben])
    (csrf,) = set(re.findall(r'name="csrf" value="(\w+)"', page))
    assert (await client.post("/my", data={"customer": ben, "csrf": ""}, headers=browser)).status_code == 403
    assert (await client.post("/my", data={"customer": cleo, "csrf": csrf}, headers=browser)).status_code == 404
    ends = await db.fetchval("select expires_at from session")
    answer = await client.post("/my", data={"customer": ben, "csrf": csrf}, headers=browser)
    assert await db.fetchval("select expires_at from session") <= ends
    after = {"Cookie": "; ".join(header.split(";")[0] for header in answer.headers.get_list("Set-Cookie"))}
    client.cookies.clear()
    assert (answer.status_code, [str(row[0]) for row in await db.fetch("select customer_id from session")]) == (
        303,
        [ben],
    )
    assert f"/api/customers/{ben}/export" in (await client.get("/my", headers=after)).text


async def test_who_has_another_address_since_is_shown_no_more(client, place):
    ben = await customer(client, name="Ben", email="ana@example.org")
    made = await book(client, place, 1, customerId=ben)
    browser = await signed_in_together(client)
    changed = await client.patch(
        f"/api/customers/{ben}",
        json={"email": "ben@example.org"},
        headers={**ADMIN, "Content-Type": "application/merge-patch+json"},
    )
    assert changed.status_code == 200
    assert page_of(made) not in (await client.get("/my", headers=browser)).text


async def test_a_list_of_people_is_good_for_its_session_alone(client, place):
    ben = await customer(client, name="Ben", email="ana@example.org")
    made = await book(client, place, 1, customerId=ben)
    people = (await signed_in_together(client))["Cookie"].split("; ")[1]
    another = (await signed_in_together(client))["Cookie"].split("; ")[0]
    for left in (people, people + "x", people.split("=")[0] + "=x"):
        page = await client.get("/my", headers={"Cookie": f"{another}; {left}"})
        assert (page.status_code, page_of(made) in page.text) == (200, False)


@pytest.mark.parametrize(
    ("wanted", "where"),
    [("/my?lang=de", "/my?lang=de"), ("//evil.example", "/my"), ("https://evil.example", "/my"), ("/\\evil", "/my")],
)
async def test_one_comes_back_to_where_one_wanted_to_go_but_never_to_another_site(client, place, wanted, where):
    there = await ask(client, next=wanted)
    answer = await client.post(there, data={"code": right(there), "next": wanted})
    assert answer.headers["Location"] == where


async def test_who_is_not_signed_in_is_asked_to(client):
    assert (await client.get("/my")).headers["Location"] == "/sign-in?next=%2Fmy"


async def test_who_has_signed_in_sees_their_appointments_and_nobody_elses(db, client, place):
    mine, cancelled = await book(client, place), await book(client, place, 3)
    await client.post(page_of(cancelled, "/cancel"))
    other = await book(client, place, 1, customerId=await customer(client, name="Ben"))
    token = await sign_in(client)
    page = await client.get("/my", headers=as_browser(token))
    assert [page_of(each) in page.text for each in (mine, cancelled, other)] == [True, True, False]
    assert (page.headers["Cache-Control"], "ana@example.org" in page.text, "/c/lakeside" in page.text) == (
        "no-store",
        True,
        True,
    )
    subjects = sorted([place["customerId"], mine["id"], cancelled["id"]])
    assert [(actor, sorted(seen)) for actor, _, seen in await entries(db, "showOwnAppointments")] == [
        (f"patient:{place['customerId']}", subjects)
    ]


async def test_who_booked_for_others_sees_those_too_with_whose_they_are(db, client, place):
    ben, cleo = await customer(client, name="Ben"), await customer(client, name="Cleo", email="cleo@example.org")
    what = {"doctorId": place["doctorId"], "appointmentTypeId": place["appointmentTypeId"]}
    parts = [
        {**what, "startTime": at(hours), "customerId": who}
        for hours, who in enumerate((place["customerId"], ben, cleo))
    ]
    made = await client.post(
        "/api/bookings", json={"clinicId": 1, "customerId": place["customerId"], "appointments": parts}
    )
    pages = [page_of(each) for each in made.json()["appointments"]]
    ana = as_browser(await sign_in(client))
    shown = re.findall(
        r'<li><a href="([^"]+)">.*?<small>(?:for (\w+) · )?Check-up',
        (await client.get("/my", headers=ana)).text,
        flags=re.DOTALL,
    )
    assert [(pages.index(address), whose) for address, whose in shown] == [(0, ""), (1, "Ben"), (2, "Cleo")]
    assert (await client.get(pages[1] + "/move")).status_code == 200
    (_, _, subjects), *_ = await entries(db, "showOwnAppointments")
    assert {each["id"] for each in made.json()["appointments"]} < set(subjects)
    cleos = (await client.get("/my", headers=as_browser(await sign_in(client, "cleo@example.org")))).text
    assert ([page in cleos for page in pages], "for Cleo" in cleos) == ([False, False, True], False)


async def test_who_has_no_appointment_is_shown_the_way_to_one(client, place):
    assert (
        "You have no upcoming appointments."
        in (await client.get("/my", headers=as_browser(await sign_in(client)))).text
    )


async def test_what_is_past_is_apart_from_what_is_to_come(db, client, place):
    made = await book(client, place)
    await db.execute(
        "update booking_slot set during = tstzrange(now() - interval '2 days', now() + interval '9 days'), date = now()::date where doctor_id = $1",
        place["doctorId"],
    )
    await db.execute(
        "update appointment set during = tstzrange($1, $2), claimed = tstzrange($1, $2)", later(-30), later(-29)
    )
    page = (await client.get("/my", headers=as_browser(await sign_in(client)))).text
    assert page.index("You have no upcoming appointments.") < page.index(page_of(made))


async def test_what_is_held_about_them_is_a_page_in_their_language(client, place):
    answer = await client.get(
        f"/api/customers/{place['customerId']}/export?format=html",
        headers={**as_browser(await sign_in(client)), "Accept-Language": "fr"},
    )
    assert (answer.status_code, '<html lang="fr"' in answer.text, "?lang=" in answer.text) == (200, True, False)


async def test_signing_out_needs_the_pages_own_token(db, client, place):
    browser = as_browser(await sign_in(client))
    (csrf,) = set(re.findall(r'name="csrf" value="(\w+)"', (await client.get("/my", headers=browser)).text))
    for fields, headers in (({}, {}), ({"csrf": "x"}, {}), ({"csrf": csrf}, CROSS_SITE)):
        refused = await client.post("/sign-out", data=fields, headers={**browser, **headers})
        assert (refused.status_code, "<h1>" in refused.text) == (403, True)
    assert await db.fetchval("select count(*) from session") == 1
    answer = await client.post("/sign-out", data={"csrf": csrf}, headers=browser)
    assert (answer.headers["Location"], await db.fetchval("select count(*) from session")) == ("/", 0)


@pytest.mark.parametrize("part", ["/cancel", "/move"])
async def test_forms_of_other_sites_change_nothing(client, place, part):
    made = await book(client, place)
    browser = as_browser(await sign_in(client))
    fields = {"start": at(2), "version": "1"}
    for headers in (CROSS_SITE, browser, {**CROSS_SITE, **browser}):
        refused = await client.post(page_of(made, part), data=fields, headers=headers)
        assert (refused.status_code, refused.headers["Content-Type"]) == (403, "text/html; charset=utf-8")
    assert (await now_of(client, made))["version"] == 1
    (csrf,) = set(
        re.findall(r'name="csrf" value="(\w+)"', (await client.get(page_of(made, part), headers=browser)).text)
    )
    assert (await client.post(page_of(made, part), data={**fields, "csrf": csrf}, headers=browser)).status_code == 303


async def test_signing_in_by_a_form_of_another_site_is_refused(db, client, place):
    there = await ask(client)
    assert (await client.post(there, data={"code": right(there)}, headers=CROSS_SITE)).status_code == 403
    assert (await client.post("/sign-in", data={"address": "ana@example.org"}, headers=CROSS_SITE)).status_code == 403
    assert await db.fetchval("select count(*) from session") == 0


# language, and what is refused


async def test_the_language_of_the_footer_stays_chosen_and_forms_go_on_in_it(client, place):
    there = await ask(client)
    chosen = await client.get(f"{there}&lang=es")
    assert ("language=es" in chosen.headers["Set-Cookie"], '<html lang="es"' in chosen.text) == (True, True)
    again = await client.post(f"{there}&lang=es", data={"code": "12"}, headers={"Cookie": "language=es"})
    assert translate("es", "Enter the six-digit code.") in again.text
    assert (
        '<html lang="es"'
        in (await client.get("/sign-in", headers={"Cookie": "language=es", "Accept-Language": "de"})).text
    )


@pytest.mark.parametrize("language", ["en", "de", "es", "fr"])
async def test_a_page_that_is_not_there_says_so_in_the_readers_language_with_a_way_on(client, language):
    words = translate(language, NO_PAGE)
    assert (words == NO_PAGE) == (language == "en")
    answer = await client.get("/nothing/here", headers={"Accept-Language": language, "Accept": "text/html"})
    assert (answer.status_code, words in answer.text, 'href="/my"' in answer.text) == (404, True, True)


async def test_who_asks_too_much_is_told_how_long_to_wait(db, database_url):
    app = application.create(
        settings(rate_limits=True, requests_rate="1/minute"), database_url=database_url, admin_token=TOKEN
    )
    async with (
        app.lifespan(),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://testserver.local") as client,
    ):
        _, answer = [await client.get("/sign-in") for _ in range(2)]
    assert (answer.status_code, "Please try again in 1 minute." in answer.text, ">Try again</a>" in answer.text) == (
        429,
        True,
        True,
    )


async def test_what_is_away_for_a_moment_can_be_tried_again(client, monkeypatch):
    monkeypatch.setattr(catalogue, "find_by_name", unavailable)
    answer = await client.get("/c/lakeside")
    assert (
        answer.status_code,
        "<h1>Temporarily unavailable</h1>" in answer.text,
        ">Try again</a>" in answer.text,
    ) == (503, True, True)


async def unavailable(*_):
    raise errors.Unavailable


async def test_signing_in_is_in_the_audit(db, client, place):
    there = await ask(client)
    await client.post(there, data={"code": right(there)})
    assert [entry[1:] for entry in await entries(db, "%Form")] == [
        ("sendSignInCodeByForm", []),
        ("signInByCodeForm", [there.partition("?")[0].rpartition("/")[2], place["customerId"]]),
    ]


async def test_who_was_signed_out_meanwhile_is_told_what_to_do(client):
    answer = await client.post("/sign-out")
    assert (answer.status_code, 'href="/sign-in"' in answer.text) == (401, True)


@pytest.mark.parametrize("sheet", sorted(STYLES.glob("*.css")), ids=lambda path: path.name)
def test_styles_know_start_and_end_but_not_left_and_right(sheet):
    rules = re.sub(r"/\*.*?\*/", "", sheet.read_text(), flags=re.DOTALL)
    found = re.findall(r"([\w-]+)\s*:\s*([^;{}]+)[;}]", rules)
    assert [f"{name}: {value}" for name, value in found if is_physical(name, value)] == []


def is_physical(name: str, value: str) -> bool:
    """The left or right side of something, an alignment to it, or four sides of which those two differ."""
    sides = value.split()
    four = (
        re.fullmatch("margin|padding|inset|border-(width|style|color)", name) and len(sides) == 4 and "(" not in value
    )
    aligned = re.fullmatch(
        "float|clear|text-align|text-align-last|justify-(content|items|self)", name
    ) and value.strip() in ("left", "right")
    return bool(re.search("(^|-)(left|right)(-|$)", name) or aligned or (four and sides[1] != sides[3]))
