"""Only the people who take part in a video visit reach its room, and only while it is open."""

import re
from datetime import timedelta
from urllib.parse import quote

import pytest
from icalendar import Calendar

from appoint.booking import links as manage_links
from appoint.calls.guests import repository as guests
from appoint.calls.joining import links
from appoint.kit import clock
from appoint.kit.cache import ClinicCache
from support.appointments import create_world
from support.calls import SECRET, begin_at, book_online
from support.video_visits import WINDOWS, VisitWorld, is_room


@pytest.fixture
async def visit(db, client) -> VisitWorld:
    async with ClinicCache(None) as cache:
        world = await create_world(db, cache)
        world.now = clock.now()
        appointment = await book_online(world, world.nine)
    return VisitWorld(db, client, world, appointment)


async def test_the_doctor_lets_the_waiting_patient_in(visit):
    await visit.begin()
    doctor = await visit.sign_in("shah@example.org", "doctor", visit.world.dr_shah)
    assert "Enter the waiting room" in await visit.get()
    await visit.press("wait")
    assert "You are in the waiting room" in await visit.get()
    assert "In the waiting room" in await visit.get(visit.staff_page, doctor)
    assert not is_room(await visit.press("enter"))
    assert is_room(await visit.open(doctor))
    await visit.db.execute("update clinic set phone = '+493012345678'")
    page = await visit.get()
    assert ("Join the call" in page, "+493012345678" in page) == (True, True)
    entered = await visit.press("enter")
    assert is_room(entered)
    assert (entered.headers["Referrer-Policy"], entered.headers["Cache-Control"]) == ("no-referrer", "no-store")
    room = await visit.get(entered.headers["Location"])
    assert room.count("in the call") == 2


async def test_only_the_current_room_of_a_visit_opens(visit):
    await visit.begin()
    doctor = await visit.sign_in("shah@example.org", "doctor", visit.world.dr_shah)
    room = (await visit.open(doctor)).headers["Location"]
    for change, undo in (
        ("status = 'cancelled', cancel_cause = 'request'", "status = 'booked', cancel_cause = null"),
        ("sequence = sequence + 1", "sequence = sequence - 1"),  # rescheduled
    ):
        assert (await visit.client.get(room)).status_code == 200
        await visit.db.execute(f"update appointment set {change}")
        closed = await visit.client.get(room)
        assert (closed.status_code, "This room has been closed." in closed.text) == (410, True), change
        await visit.db.execute(f"update appointment set {undo}")
    await visit.client.post(visit.staff_page, data={"act": "end"}, headers=doctor)
    assert (await visit.client.get(room)).status_code == 410


async def test_the_page_of_a_cancelled_visit_says_so_and_whom_to_call(visit):
    await visit.begin()
    await visit.db.execute("update clinic set phone = '+493012345678'")
    await visit.db.execute("update appointment set status = 'cancelled', cancel_cause = 'request'")
    guest = await guests.add(visit.db, visit.id, "Ines")
    for address, can_book in ((visit.page, True), (f"/join/{links.guest_code(SECRET, guest.id)}", False)):
        page = await visit.get(address)
        texts = ("This appointment has been cancelled.", "+493012345678", "Book another appointment")
        assert [text in page for text in texts] == [True, True, can_book]


async def test_the_page_of_a_visit_that_is_now_in_person_says_where_it_is(visit):
    await visit.begin(timedelta(hours=3))
    await visit.db.execute(
        "update clinic set phone = '+493012345678', address = $1, version = version + 1", "1 Quay Street\nLakeside"
    )
    await visit.db.execute("update appointment_type set mode = 'inPerson'")
    texts = ("Your appointment is at the clinic", "It is still booked", "1 Quay Street<br>", "+493012345678")
    page = await visit.get()
    assert [text for text in texts if text not in page] == []
    await visit.begin(timedelta(hours=-2))
    assert "It is still booked" not in await visit.get()


async def test_looking_at_the_page_changes_nothing(visit):
    await visit.begin()
    await visit.get()
    assert await visit.db.fetchval("select waiting_since from call") is None


async def test_entering_the_waiting_room_shows_on_the_board(visit):
    await visit.begin()
    await visit.press("wait")
    doctor = await visit.sign_in("shah@example.org", "doctor", visit.world.dr_shah)
    day = clock.local_date(await visit.db.fetchval("select lower(during) from appointment"), "Europe/Berlin")
    board = (
        await visit.client.get(f"/staff/{visit.world.clinic}/board.json?from={day}&to={day}", headers=doctor)
    ).json()
    (shown,) = board["appointments"]
    assert (shown["hasCall"], shown["waitingMinutes"], board["waiting"][0]["patients"]) == (True, 0, 1)
    assert await visit.db.fetchval("select count(*) from event where type = 'call.waiting'") == 1


@pytest.mark.parametrize("window", WINDOWS)
async def test_only_parties_reach_the_room_and_only_within_the_window(visit, window):
    await visit.db.execute("update customer set email = 'family@example.org'")
    other_doctor = await visit.world.add_doctor("Dr Okafor")
    await visit.world.publish(other_doctor, visit.world.nine, visit.world.nine + timedelta(hours=1))
    sibling = await visit.world.book(other_doctor, visit.world.nine, visit.world.ben)
    await visit.begin()
    await begin_at(visit.db, visit.id, clock.now() + WINDOWS[window])  # the room still exists
    other_clinic = await visit.world.add_clinic()
    foreign_doctor = await visit.world.add_doctor("Dr Lindt", clinic=other_clinic)
    staff = {
        "doctor": await visit.sign_in("shah@example.org", "doctor", visit.world.dr_shah),
        "other doctor": await visit.sign_in("okafor@example.org", "doctor", other_doctor),
        "receptionist": await visit.sign_in("rosa@example.org", "receptionist"),
        "manager": await visit.sign_in("mona@example.org", "manager"),
        "other clinic": await visit.sign_in("lindt@example.org", "doctor", foreign_doctor, other_clinic),
    }
    entered = {name: is_room(await visit.open(headers)) for name, headers in reversed(staff.items())}
    guest = await guests.add(visit.db, visit.id, "Ines")
    revoked = await guests.add(visit.db, visit.id, "Iris")
    await guests.revoke(visit.db, visit.id, revoked.id, now=clock.now())
    pages = {
        "patient": visit.page,
        "other patient with the same address": f"/join/{links.code(SECRET, sibling.id)}",
        "visitor": "/join/" + "A" * 32,
        "holder of another link": f"/join/{links.code('another key', visit.id)}",
        "guest": f"/join/{links.guest_code(SECRET, guest.id)}",
        "revoked guest": f"/join/{links.guest_code(SECRET, revoked.id)}",
    }
    entered |= {name: is_room(await visit.press("enter", page)) for name, page in pages.items()}
    parties = {"doctor", "patient", "guest"} if window == "within" else set()
    assert {name for name, is_entered in entered.items() if is_entered} == parties


async def test_a_revoked_manage_link_revokes_the_join_link(visit):
    await visit.begin()
    await visit.db.execute("update appointment set link_number = 2")
    assert (await visit.client.get(visit.page)).status_code == 404


async def test_a_guest_sees_neither_the_patients_name_nor_the_kind_of_visit(visit):
    await visit.begin()
    await visit.db.execute("update appointment_type set name = 'Chemotherapy'")
    guest = await guests.add(visit.db, visit.id, "Ines")
    page = await visit.get(f"/join/{links.guest_code(SECRET, guest.id)}")
    assert "You are in the waiting room" in page
    assert not [text for text in ("Ana", "Chemotherapy") if text in page]


async def test_those_who_wait_see_how_late_the_doctor_is_running(visit):
    await visit.begin()
    reception = await visit.sign_in("rosa@example.org", "receptionist")
    await visit.client.post(visit.staff_page, data={"act": "delay", "minutes": "10"}, headers=reception)
    assert "is running about 10" in await visit.get()


async def test_the_doctor_ends_the_call_for_everyone(visit):
    await visit.begin()
    doctor = await visit.sign_in("shah@example.org", "doctor", visit.world.dr_shah)
    await visit.open(doctor)
    await visit.db.execute("update clinic set phone = '+493012345678'")
    await visit.client.post(visit.staff_page, data={"act": "end"}, headers=doctor)
    for state in ("ending", "ended"):
        await visit.db.execute("update call set state = $1, due_at = case $1 when 'ending' then due_at end", state)
        assert not is_room(await visit.press("enter"))
        page = await visit.get()
        assert "The clinic has ended this call." in page
        assert "+493012345678" in page
        assert "This call has been ended." in (await visit.client.get(visit.staff_page, headers=doctor)).text


async def test_a_call_that_was_ended_too_early_is_started_again(visit):
    await visit.begin()
    await visit.press("wait")
    doctor = await visit.sign_in("shah@example.org", "doctor", visit.world.dr_shah)
    await visit.open(doctor)
    await visit.client.post(visit.staff_page, data={"act": "end"}, headers=doctor)
    await visit.client.post(visit.staff_page, data={"act": "renew"}, headers=doctor)
    assert await visit.db.fetchval("select state from call") == "wanted"
    assert "The waiting room is open" in await visit.get()
    await visit.press("wait")
    await visit.db.execute("update call set state = 'made', due_at = null")
    assert is_room(await visit.open(doctor))
    assert is_room(await visit.press("enter"))


async def test_a_visit_without_a_room_names_the_clinics_phone(visit):
    await visit.begin()
    await visit.db.execute("update call set state = 'dead'")
    await visit.db.execute("update clinic set phone = '+493012345678'")
    assert "isn’t working" in (page := await visit.get())
    assert "+493012345678" in page


async def test_the_appointments_page_leads_to_the_join_page(visit):
    await visit.begin()
    page = await visit.get(f"/appointments/{manage_links.token(SECRET, visit.id)}")
    assert f'href="{visit.page}"' in page


async def test_the_join_link_is_there_before_the_call_is(visit):
    await visit.begin(timedelta(hours=3))
    await visit.db.execute("delete from call")
    address = f"/appointments/{manage_links.token(SECRET, visit.id)}"
    page = await visit.get(address + "?new=1")
    assert f'href="{visit.page}"' in page
    calendars = re.findall(r'href="(https://(?:calendar\.google|outlook)[^"]+)"', page)
    assert [quote(visit.page, safe="") in each for each in calendars] == [True] * len(calendars) != []
    assert visit.page in (await visit.client.get(f"{address}/calendar.ics")).text.replace("\r\n ", "")
    await visit.db.execute("update clinic set phone = '+493012345678'")
    assert "If the video call doesn’t work, call:" in await visit.get(address)


@pytest.mark.parametrize("status", ["pending", "cancelled", "noshow", "over"])
async def test_the_join_link_is_gone_when_the_visit_does_not_take_place(visit, status):
    await visit.begin(timedelta(hours=-2) if status == "over" else timedelta(hours=3))
    if status != "over":
        expires_at = clock.now() + timedelta(minutes=10) if status == "pending" else None
        await visit.db.execute("update appointment set status = $1, hold_expires_at = $2", status, expires_at)
    page = await visit.get(f"/appointments/{manage_links.token(SECRET, visit.id)}")
    assert ("Your appointment" in page, visit.page in page) == (True, False)


async def test_the_page_for_cancelling_does_not_say_how_to_join(visit):
    await visit.begin(timedelta(hours=72))
    await visit.db.execute("update appointment_type set preparation = 'Open the app'")
    address = f"/appointments/{manage_links.token(SECRET, visit.id)}"
    assert "How to join" in await visit.get(address)
    page = await visit.get(f"{address}/cancel")
    assert ("Cancel your appointment?" in page, "How to join" in page, "Open the app" in page) == (True, False, False)


async def test_the_appointments_page_says_when_the_waiting_room_opens(visit):
    await visit.begin(timedelta(hours=3))
    page = await visit.get(f"/appointments/{manage_links.token(SECRET, visit.id)}")
    opens_at = (await visit.db.fetchval("select lower(during) from appointment")) - timedelta(minutes=15)
    assert f'data-start="{opens_at:%Y-%m-%dT%H:%M:%SZ}"' in page


async def test_the_downloaded_calendar_entry_leads_to_the_join_page(visit):
    await visit.begin(timedelta(hours=3))
    token = manage_links.token(SECRET, visit.id)
    file = (await visit.client.get(f"/appointments/{token}/calendar.ics")).text
    (event,) = Calendar.from_ical(file).events
    assert str(event["CONFERENCE"]).endswith(visit.page)
    assert dict(event["CONFERENCE"].params) == {"VALUE": "URI", "FEATURE": "VIDEO", "LABEL": "Video visit"}
    assert (visit.page in event["DESCRIPTION"], str(event["LOCATION"])) == (True, "Video visit")
    assert len(event.alarms.times) == 1


async def test_entering_is_recorded_in_the_audit_log(visit):
    await visit.begin()
    doctor = await visit.sign_in("shah@example.org", "doctor", visit.world.dr_shah)
    await visit.open(doctor)
    await visit.press("enter")
    rows = await visit.db.fetch(
        """
        select action, actor, subjects from audit_unsealed where action in ('admitPatient', 'enterCallByJoinLink')
        """
    )
    assert [(row.action, row.subjects) for row in rows] == [
        ("admitPatient", [str(visit.id)]),
        ("enterCallByJoinLink", [str(visit.id)]),
    ]
    rooms = await visit.db.fetch("select t::text from audit_unsealed t union all select e::text from event e")
    assert not [row for row in rooms if "/dev/calls" in row.t]


@pytest.mark.parametrize("hours", [1, 30])
async def test_the_page_names_the_day_when_the_waiting_room_opens_unless_it_is_today(visit, hours):
    await visit.begin(timedelta(hours=hours))
    opens_at = await visit.db.fetchval("select lower(during) - interval '15 minutes' from appointment")
    is_today = clock.local_date(opens_at, "Europe/Berlin") == clock.local_date(clock.now(), "Europe/Berlin")
    assert f"room opens {'at' if is_today else 'on'} " in await visit.get()


async def test_the_page_changes_by_itself_when_the_waiting_room_opens(visit):
    await visit.begin(timedelta(minutes=75))  # it opens in an hour
    page = await visit.get()
    seconds = int(re.search(r'data-fresh="(\d+)"', page)[1])
    assert 59 * 60 - 60 <= seconds <= 60 * 60
    assert f'http-equiv="refresh" content="{seconds}"' in page
    assert re.search(r"<noscript>.*Check again.*</noscript>", page)
    assert "You can keep this page open until then." in page
    await visit.begin(timedelta(hours=20))
    page = await visit.get()
    found = ("data-fresh" in page, 'http-equiv="refresh"' in page, "Please come back then." in page)
    assert found == (False, False, True)
    await visit.begin()
    page = await visit.get()  # the page of the open waiting room looks for changes, but keeps what is being entered
    assert ('data-fresh="10"' in page, 'http-equiv="refresh"' in page) == (True, False)
