"""A person is given everything that is held about them."""

from datetime import timedelta
from uuid import uuid4

import msgspec
import pytest

from appoint.kit.cache import ClinicCache
from appoint.kit.i18n import translate
from appoint.oversight.privacy import model, service
from appoint.oversight.privacy.model import for_customer
from support.app import ADMIN
from support.world import NOW, World, at


@pytest.fixture
async def world(db):
    async with ClinicCache(None) as cache:
        world = await World.make(db, cache)
        await db.execute("update customer set email = 'ana@example.org' where id = $1", world.ana)
        world.visit = await world.book(world.dr_shah, at(9), world.ana, notes="afraid of <needles>")
        await db.execute(
            "update patient set notes = 'likes tea', record_number = '7' where customer_id = $1", world.ana
        )
        await db.execute(
            "insert into notification_preference (customer_id, channel, wanted) values ($1, 'sms', false)", world.ana
        )
        await db.execute(
            "insert into session (token_hash, customer_id, expires_at) values (sha256('x'), $1, $2)", world.ana, NOW
        )
        await db.execute(
            """
            insert into notification (clinic_id, id, kind, subject_id, sequence, recipient, recipient_id, channel, due_at, expires_at)
            values ($1, mint_id($1), 'confirmation', $2, 0, 'customer', $3, 'email', $4, $4)
            """,
            world.clinic,
            str(world.visit.id),
            str(world.ana),
            NOW,
        )
        await db.execute(
            "insert into audit_unsealed (clinic_id, actor, action, subjects, address) values ($1, 'user:7', 'getPatient', array[$2], '192.0.2.1')",
            world.clinic,
            str(world.ana),
        )
        yield world


async def export(world: World, customer=None) -> model.Export:
    return await service.export(world.db, customer_id=customer or world.ana, now=NOW)


async def test_everything_is_there(world):
    found = await export(world)
    assert (found.customer.name, found.customer.email, found.preferences.sms) == ("Ana", "ana@example.org", False)
    assert [(patient.clinic, patient.record_number, patient.notes) for patient in found.patients] == [
        ("Lakeside", "7", "likes tea")
    ]
    assert [(visit.id, visit.doctor, visit.start_time, visit.notes) for visit in found.appointments] == [
        (world.visit.id, "Dr Shah", at(9), "afraid of <needles>")
    ]
    assert [(told.kind, told.channel, told.status) for told in found.notifications] == [
        ("confirmation", "email", "queued")
    ]
    assert [session.expires_at for session in found.sessions] == [NOW]
    assert ("getPatient", "user:7", "192.0.2.1") in [
        (entry.action, entry.actor, entry.address) for entry in found.audit
    ]
    assert [event.type for event in found.events] == ["appointment.booked"]
    assert found.cut == []


async def test_nobody_elses_is_there(world):
    found = await export(world, world.ben)
    assert (found.appointments, found.patients, found.notifications, found.sessions, found.audit, found.events) == (
        [],
        [],
        [],
        [],
        [],
        [],
    )


async def test_what_they_booked_for_others_is_there_without_what_is_the_others(world):
    await world.db.execute("update appointment set booker_id = $1", world.ben)
    (visit,) = (await export(world, world.ben)).appointments
    assert (visit.id, visit.customer_id, visit.notes) == (world.visit.id, world.ana, None)


async def test_to_the_person_themself_staffs_notes_and_names_are_not_shown(world):
    found = for_customer(await export(world))
    assert (found.patients[0].notes, found.patients[0].record_number, found.appointments[0].notes) == (None, "7", None)
    assert {(entry.actor, entry.address) for entry in found.audit} >= {("user", None)}
    assert "192.0.2.1" not in msgspec.json.encode(found).decode()


async def test_of_long_lists_the_newest_part_is_there_and_it_says_so(world, monkeypatch):
    monkeypatch.setattr(service, "MAX_LIST_ENTRIES", 1)
    earlier = await world.book(world.dr_shah, at(8), world.ana)
    found = await export(world)
    assert ([visit.id for visit in found.appointments], earlier.id == world.visit.id) == ([world.visit.id], False)
    assert "appointments" in found.cut
    assert "notifications" not in found.cut


async def test_sealed_entries_are_there_too(world):
    await world.db.execute(
        "insert into audit_entry (clinic_id, position, id, at, actor, action, subjects, hash) values (1, 1, uuidv7(), $2, 'user:8', 'getAppointment', array[$1], sha256(''))",
        str(world.visit.id),
        NOW - timedelta(days=1),
    )
    assert "getAppointment" in [entry.action for entry in (await export(world)).audit]


async def test_it_is_json_or_a_page(client, world):
    address = f"/api/customers/{world.ana}/export"
    as_json = await client.get(address, headers=ADMIN)
    pages = [
        await client.get(
            address, headers={**ADMIN, "Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Language": "de"}
        ),
        await client.get(address, params={"format": "html"}, headers={**ADMIN, "Accept-Language": "de"}),
    ]
    assert (as_json.headers["Content-Type"], as_json.headers["Cache-Control"]) == ("application/json", "no-store")
    assert as_json.json()["appointments"][0]["notes"] == "afraid of <needles>"
    for page in pages:
        assert (page.headers["Content-Type"].split(";")[0], page.headers["Cache-Control"]) == ("text/html", "no-store")
        assert (
            f"<h1>{translate('de', 'Your data')}</h1>" in page.text,
            "afraid of &lt;needles&gt;" in page.text,
            "<needles>" in page.text,
        ) == (True, True, False)
    assert (await client.get(address, params={"format": "json"}, headers={**ADMIN, "Accept": "text/html"})).headers[
        "Content-Type"
    ] == "application/json"


async def test_a_page_shows_prices_as_people_write_them(client, world):
    await world.db.execute("update appointment set price_amount = 4500, price_currency = 'EUR'")
    page = await client.get(
        f"/api/customers/{world.ana}/export", params={"format": "html"}, headers={**ADMIN, "Accept-Language": "de"}
    )
    assert "45,00\u00a0€" in page.text


async def test_a_page_says_when_it_was_made_and_what_was_sent_in_words(client, world):
    page = (
        await client.get(
            f"/api/customers/{world.ana}/export", params={"format": "html"}, headers={**ADMIN, "Accept-Language": "de"}
        )
    ).text
    assert "&lt;time" not in page
    assert [word in page for word in ("Bestätigung", "confirmation", "queued")] == [True, False, False]


@pytest.mark.parametrize("params", [{"format": "pdf"}, {"what": "all"}, {"format": ""}])
async def test_what_else_is_asked_for_is_refused(client, world, params):
    assert (await client.get(f"/api/customers/{world.ana}/export", params=params, headers=ADMIN)).status_code == 400


async def test_there_is_nobody_of_that_id_and_nobody_in_particular_is_told(client, world):
    assert (await client.get(f"/api/customers/{uuid4()}/export", headers=ADMIN)).status_code == 404
    assert (await client.get(f"/api/customers/{world.ana}/export")).status_code == 401


@pytest.mark.parametrize("format", ["json", "html"])
async def test_each_look_is_recorded(client, world, format):
    await client.get(f"/api/customers/{world.ana}/export", params={"format": format}, headers=ADMIN)
    rows = await world.db.fetch("select actor, subjects from audit_unsealed where action = 'exportCustomer'")
    assert [tuple(row) for row in rows] == [("administrator", [str(world.ana)])]


async def test_of_who_was_erased_an_empty_shell_is_left(client, world):
    await world.db.execute("update appointment set status = 'cancelled'")
    await client.post(f"/api/customers/{world.ana}/erase", headers=ADMIN)
    found = (await client.get(f"/api/customers/{world.ana}/export", headers=ADMIN)).json()
    assert (
        found["customer"]["name"],
        found["customer"]["email"],
        found["sessions"],
        found["patients"][0]["notes"],
    ) == ("(erased)", None, [], None)
