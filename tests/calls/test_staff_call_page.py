"""The page where staff look after a video visit."""

import re
from datetime import timedelta

import pytest

from appoint.booking import links as manage_links
from appoint.calls.joining import links
from appoint.calls.providers.failures import SENTENCES
from appoint.kit import clock
from appoint.kit.cache import ClinicCache
from appoint.kit.i18n import LANGUAGES
from support.appointments import create_world
from support.calls import SECRET, book_online
from support.video_visits import VisitWorld, is_room


@pytest.fixture
async def visit(db, client) -> VisitWorld:
    async with ClinicCache(None) as cache:
        world = await create_world(db, cache)
        world.now = clock.now()
        appointment = await book_online(world, world.nine)
    visit = VisitWorld(db, client, world, appointment)
    await visit.begin()
    return visit


async def press(visit: VisitWorld, headers: dict[str, str], act: str, **fields: str) -> str:
    """Press a button, and return the page that follows."""
    response = await visit.client.post(visit.staff_page, data={"act": act, **fields}, headers=headers)
    page = visit.staff_page if response.status_code == 200 else response.headers["Location"]
    return response.text if response.status_code == 200 else await visit.get(page, headers)


async def test_staff_see_the_patients_link_and_send_it_again(visit):
    await visit.db.execute("update customer set email = 'ana@example.org' where id = $1", visit.world.ana)
    reception = await visit.sign_in("rosa@example.org", "receptionist")
    assert f"/join/{links.code(SECRET, visit.id)}</code>" in await visit.get(visit.staff_page, reception)
    assert "The patient will receive the link again" in await press(visit, reception, "send")
    assert await visit.db.fetchval("select kind || ' ' || status from notification") == "confirmation queued"
    await visit.db.execute("update customer set email = null, phone = null; delete from notification")
    assert "no email address or phone number" in await press(visit, reception, "send")
    await visit.begin(timedelta(hours=-2))
    assert "/join/" not in await visit.get(visit.staff_page, reception)


async def test_staff_see_why_there_is_no_room_yet_and_try_again_at_once(visit):
    doctor = await visit.sign_in("shah@example.org", "doctor", visit.world.dr_shah)
    await visit.db.execute("update clinic set phone = '+493012345678'")
    await visit.db.execute("update customer set phone = '+4915112345678' where id = $1", visit.world.ana)
    assert "Try again now" not in await visit.get(visit.staff_page, doctor)
    next_try = clock.now() + timedelta(minutes=4)
    await visit.db.execute("update call set state = 'wanted', error = 'unreachable', due_at = $1", next_try)
    page = await visit.get(visit.staff_page, doctor)
    for text in (SENTENCES["unreachable"], "No room yet", "Next attempt:", "tel:+4915112345678", "Try again now"):
        assert text in page, text
    assert not is_room(await visit.open(doctor))
    entry = "select action from audit_unsealed order by id desc limit 1"
    assert await visit.db.fetchval(entry) == "tryToAdmitPatient"
    page = await press(visit, doctor, "renew")
    assert await visit.db.fetchval("select due_at <= now() and error = 'unreachable' from call")
    for text in (SENTENCES["unreachable"], "Trying again…", "Try again now"):
        assert text in page, text
    await visit.db.execute("update call set state = 'made', due_at = null")
    await press(visit, doctor, "renew")  # from a page that is out of date
    assert await visit.db.fetchval("select state from call") == "made"


async def test_the_page_shows_the_delay_and_staff_clear_it(visit):
    reception = await visit.sign_in("rosa@example.org", "receptionist")
    late, clear = "The patient and their guests see this while they wait.", "No longer late"
    page = await press(visit, reception, "delay", minutes="10")
    assert (late in page, clear in page) == (True, True)
    page = await press(visit, reception, "delay", minutes="")
    assert (late in page, clear in page) == (False, False)
    assert "running about" not in await visit.get()


async def test_the_delay_is_gone_once_the_call_has_started(visit):
    doctor = await visit.sign_in("shah@example.org", "doctor", visit.world.dr_shah)
    late = "The patient and their guests see this while they wait."
    assert late in await press(visit, doctor, "delay", minutes="10")
    for language in LANGUAGES:
        assert "10" in (page := await visit.get(headers={"Accept-Language": language})), language
        assert ".." not in re.sub(r"<[^>]*>", "", page), language
    await visit.open(doctor)
    assert late not in await visit.get(visit.staff_page, doctor)


async def test_each_guests_buttons_name_the_guest(visit):
    reception = await visit.sign_in("rosa@example.org", "receptionist")
    await press(visit, reception, "invite", name="Ines")
    page = await press(visit, reception, "invite", name="Iris")
    manage = await visit.get(f"/appointments/{manage_links.token(SECRET, visit.id)}")
    for text in ("Copy link for Ines", "Copy link for Iris", "Remove Ines"):
        assert (text in page, text in manage) == (True, True), text


async def test_staff_see_the_email_address_of_a_patient_without_a_phone(visit):
    reception = await visit.sign_in("rosa@example.org", "receptionist")
    await visit.db.execute("update call set state = 'dead', error = 'unreachable'")
    await visit.db.execute("update customer set email = 'ana@example.org', phone = null where id = $1", visit.world.ana)
    page = await visit.get(visit.staff_page, reception)
    assert ("mailto:ana@example.org" in page, "Contact the patient, or try again." in page) == (True, True)


async def test_the_audit_log_names_what_each_button_does(visit):
    doctor = await visit.sign_in("shah@example.org", "doctor", visit.world.dr_shah)
    await visit.db.execute("update customer set email = 'ana@example.org' where id = $1", visit.world.ana)
    for act, fields in (("delay", {"minutes": "5"}), ("send", {}), ("invite", {"name": "Ines"}), ("open", {})):
        await visit.client.post(visit.staff_page, data={"act": act} | fields, headers=doctor)
    guest_id = await visit.db.fetchval("select id from call_guest")
    for act in (f"revoke-{guest_id}", "end", "renew"):
        await visit.client.post(visit.staff_page, data={"act": act}, headers=doctor)
    rows = await visit.db.fetch("select action from audit_unsealed order by id")
    changes = [row.action for row in rows if row.action not in ("showCall", "signIn", "createSession")]
    assert changes[-7:] == [
        "delayCall",
        "sendJoinLink",
        "inviteGuest",
        "admitPatient",
        "revokeGuest",
        "endCall",
        "renewCall",
    ]


async def test_the_board_and_the_appointment_lead_to_the_page_of_an_ended_call(visit):
    await visit.press("wait")
    doctor = await visit.sign_in("shah@example.org", "doctor", visit.world.dr_shah)
    await visit.open(doctor)
    await visit.client.post(visit.staff_page, data={"act": "end"}, headers=doctor)
    day = clock.local_date(await visit.db.fetchval("select lower(during) from appointment"), "Europe/Berlin")
    address = f"/staff/{visit.world.clinic}/board.json?from={day}&to={day}"
    board = (await visit.client.get(address, headers=doctor)).json()
    (shown,) = board["appointments"]
    assert (shown["hasCall"], shown["callEnded"], shown["waitingMinutes"]) == (True, True, None)
    assert visit.staff_page in board["list"]
    assert visit.staff_page in await visit.get(visit.staff_page.removesuffix("/call"), doctor)
