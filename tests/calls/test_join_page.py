"""Only the people who take part in a video visit reach its room, and only while it is open."""

from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from appoint.booking import links as manage_links
from appoint.calls.guests import repository as guests
from appoint.calls.joining import links
from appoint.calls.rooms.repository import reconcile
from appoint.kit import clock
from appoint.kit.cache import ClinicCache
from support.appointments import create_world
from support.calls import SECRET, begin_at, book_online, maker_of, run_jobs
from support.staff import add_user, bearer, works_at

WINDOWS = {"before": timedelta(hours=3), "within": timedelta(minutes=5), "after": timedelta(hours=-3)}


class VisitWorld:
    """Ana's video visit with Dr Shah, and a client."""

    def __init__(self, db, client, world, appointment) -> None:
        self.db, self.client, self.world, self.id = db, client, world, appointment.id
        self.page = f"/join/{links.code(SECRET, appointment.id)}"
        self.staff_page = f"/staff/{world.clinic}/appointments/{appointment.id}/call"

    async def begin(self, after: timedelta = timedelta(minutes=5)) -> None:
        """Let the visit start after that time, with its room made."""
        await begin_at(self.db, self.id, clock.now() + after)
        await self.db.execute("delete from call")
        await reconcile(self.db, [(self.world.clinic, self.id)], default_gateway="demo", now=clock.now())
        self.world.now = clock.now()
        await run_jobs(self.world, maker_of(self.world))

    async def sign_in(self, email: str, role: str, doctor_id: UUID | None = None, clinic: int = 0) -> dict[str, str]:
        user = await add_user(self.db, email)
        await works_at(self.db, user, clinic or self.world.clinic, role, doctor_id)
        return await bearer(self.client, email)

    async def get(self, page: str = "", headers: dict[str, str] | None = None) -> str:
        return (await self.client.get(page or self.page, headers={"Accept-Language": "en"} | (headers or {}))).text

    async def press(self, button: str, page: str = ""):
        return await self.client.post(f"{page or self.page}/{button}")

    async def open(self, headers: dict[str, str]):
        return await self.client.post(self.staff_page, data={"act": "open"}, headers=headers)


@pytest.fixture
async def visit(db, client) -> VisitWorld:
    async with ClinicCache(None) as cache:
        world = await create_world(db, cache)
        world.now = clock.now()
        appointment = await book_online(world, world.nine)
    return VisitWorld(db, client, world, appointment)


def is_room(response) -> bool:
    return response.status_code == 303 and urlsplit(response.headers["Location"]).path.startswith("/dev/calls/")


async def test_the_doctor_lets_the_waiting_patient_in(visit):
    await visit.begin()
    doctor = await visit.sign_in("shah@example.org", "doctor", visit.world.dr_shah)
    assert "Enter the waiting room" in await visit.get()
    await visit.press("wait")
    assert "You are in the waiting room" in await visit.get()
    assert "In the waiting room" in await visit.get(visit.staff_page, doctor)
    assert not is_room(await visit.press("enter"))
    assert is_room(await visit.open(doctor))
    assert "Join the call" in await visit.get()
    entered = await visit.press("enter")
    assert is_room(entered)
    assert (entered.headers["Referrer-Policy"], entered.headers["Cache-Control"]) == ("no-referrer", "no-store")
    room = await visit.get(entered.headers["Location"])
    assert room.count("in the call") == 2


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
    await visit.begin(WINDOWS[window])
    other_clinic = await visit.world.add_clinic()
    other_doctor = await visit.world.add_doctor("Dr Okafor")
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
    await visit.client.post(visit.staff_page, data={"act": "end"}, headers=doctor)
    assert not is_room(await visit.press("enter"))


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


async def test_the_appointments_page_says_when_the_waiting_room_opens(visit):
    await visit.begin(timedelta(hours=3))
    page = await visit.get(f"/appointments/{manage_links.token(SECRET, visit.id)}")
    opens_at = (await visit.db.fetchval("select lower(during) from appointment")) - timedelta(minutes=15)
    assert f'data-start="{opens_at:%Y-%m-%dT%H:%M:%SZ}"' in page


async def test_the_downloaded_calendar_entry_leads_to_the_join_page(visit):
    await visit.begin(timedelta(hours=3))
    token = manage_links.token(SECRET, visit.id)
    file = (await visit.client.get(f"/appointments/{token}/calendar.ics")).text.replace("\r\n ", "")
    assert "CONFERENCE;" in file
    assert file.count(visit.page) == 2


async def test_entering_is_recorded_in_the_audit_log(visit):
    await visit.begin()
    doctor = await visit.sign_in("shah@example.org", "doctor", visit.world.dr_shah)
    await visit.open(doctor)
    await visit.press("enter")
    rows = await visit.db.fetch("select action, actor, subjects from audit_unsealed where action like '%Call%'")
    assert [(row.action, row.subjects) for row in rows] == [
        ("changeCallByForm", [str(visit.id)]),
        ("enterCallByJoinLink", [str(visit.id)]),
    ]
    rooms = await visit.db.fetch("select t::text from audit_unsealed t union all select e::text from event e")
    assert not [row for row in rooms if "/dev/calls" in row.t]
