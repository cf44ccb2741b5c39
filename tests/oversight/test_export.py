"""An export contains everything that is stored about a customer."""

from datetime import timedelta
from uuid import uuid4

import msgspec
import pytest

from appoint.kit.cache import ClinicCache
from appoint.kit.i18n import translate
from appoint.oversight.privacy import model, service
from appoint.oversight.privacy.model import for_customer
from support.app import ADMIN
from support.calls import add_recorded_visit
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
            insert into notification
                   (clinic_id, id, kind, subject_id, sequence, recipient, recipient_id, channel, due_at, expires_at)
            values ($1, mint_id($1), 'confirmation', $2, 0, 'customer', $3, 'email', $4, $4)
            """,
            world.clinic,
            str(world.visit.id),
            str(world.ana),
            NOW,
        )
        await db.execute(
            """
            insert into audit_unsealed (clinic_id, actor, action, subjects, address)
            values ($1, 'user:7', 'getPatient', array[$2], '192.0.2.1')
            """,
            world.clinic,
            str(world.ana),
        )
        yield world


async def export(world: World, customer=None) -> model.Export:
    return await service.export(world.db, customer_id=customer or world.ana, now=NOW)


async def test_an_export_contains_everything_about_a_customer(world):
    data = await export(world)
    assert (data.customer.name, data.customer.email, data.preferences.sms) == ("Ana", "ana@example.org", False)
    assert [(patient.clinic, patient.record_number, patient.notes) for patient in data.patients] == [
        ("Lakeside", "7", "likes tea")
    ]
    assert [(visit.id, visit.doctor, visit.start_time, visit.notes) for visit in data.appointments] == [
        (world.visit.id, "Dr Shah", at(9), "afraid of <needles>")
    ]
    assert [(notification.kind, notification.channel, notification.status) for notification in data.notifications] == [
        ("confirmation", "email", "queued")
    ]
    assert [session.expires_at for session in data.sessions] == [NOW]
    assert ("getPatient", "user:7", "192.0.2.1") in [(entry.action, entry.actor, entry.address) for entry in data.audit]
    assert [event.type for event in data.events] == ["appointment.booked"]
    assert data.cut == []


async def test_an_export_contains_guests_consents_and_a_list_of_recordings(world):
    await add_recorded_visit(world.db, world.visit.id)
    data = await export(world)
    assert [(call.appointment_id, call.start_time, call.waiting_since) for call in data.calls] == [
        (world.visit.id, at(9), at(9))
    ]
    assert [(guest.name, guest.revoked_at) for guest in data.guests] == [("Ines", None)]
    assert [(consent.words_version, consent.language, consent.given_at) for consent in data.recording_consents] == [
        (1, "de", NOW)
    ]
    assert [(recording.state, recording.size, recording.delete_at) for recording in data.recordings] == [
        ("stored", 3, NOW + timedelta(days=30))
    ]
    assert "provider" not in msgspec.json.encode(data.recordings).decode()
    others = await export(world, world.ben)
    assert (others.calls, others.guests, others.recording_consents, others.recordings) == ([], [], [], [])


async def test_an_export_contains_nothing_about_other_customers(world):
    data = await export(world, world.ben)
    assert (data.appointments, data.patients, data.notifications, data.sessions, data.audit, data.events) == (
        [],
        [],
        [],
        [],
        [],
        [],
    )


async def test_bookings_for_others_are_exported_without_their_data(world):
    await world.db.execute("update appointment set booker_id = $1", world.ben)
    (visit,) = (await export(world, world.ben)).appointments
    assert (visit.id, visit.customer_id, visit.notes) == (world.visit.id, world.ana, None)


async def test_a_customers_own_export_omits_notes_and_staff_identities(world):
    data = for_customer(await export(world))
    assert (data.patients[0].notes, data.patients[0].record_number, data.appointments[0].notes) == (None, "7", None)
    assert {(entry.actor, entry.address) for entry in data.audit} >= {("user", None)}
    assert "192.0.2.1" not in msgspec.json.encode(data).decode()


async def test_long_lists_are_truncated_to_their_newest_entries_and_marked(world, monkeypatch):
    monkeypatch.setattr(service, "MAX_LIST_ENTRIES", 1)
    earlier = await world.book(world.dr_shah, at(8), world.ana)
    data = await export(world)
    assert ([visit.id for visit in data.appointments], earlier.id == world.visit.id) == ([world.visit.id], False)
    assert "appointments" in data.cut
    assert "notifications" not in data.cut


async def test_an_export_contains_sealed_audit_entries(world):
    await world.db.execute(
        """
        insert into audit_entry (clinic_id, position, id, at, actor, action, subjects, hash)
        values (1, 1, uuidv7(), $2, 'user:8', 'getAppointment', array[$1], sha256(''))
        """,
        str(world.visit.id),
        NOW - timedelta(days=1),
    )
    assert "getAppointment" in [entry.action for entry in (await export(world)).audit]


async def test_an_export_is_json_or_a_page(client, world):
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


async def test_a_page_formats_prices_for_the_readers_language(client, world):
    await world.db.execute("update appointment set price_amount = 4500, price_currency = 'EUR'")
    page = await client.get(
        f"/api/customers/{world.ana}/export", params={"format": "html"}, headers={**ADMIN, "Accept-Language": "de"}
    )
    assert "45,00\u00a0€" in page.text


async def test_a_page_shows_its_date_and_translated_message_kinds(client, world):
    page = (
        await client.get(
            f"/api/customers/{world.ana}/export", params={"format": "html"}, headers={**ADMIN, "Accept-Language": "de"}
        )
    ).text
    assert "&lt;time" not in page
    assert [word in page for word in ("Bestätigung", "confirmation", "queued")] == [True, False, False]


@pytest.mark.parametrize("params", [{"format": "pdf"}, {"what": "all"}, {"format": ""}])
async def test_an_invalid_parameter_is_rejected(client, world, params):
    assert (await client.get(f"/api/customers/{world.ana}/export", params=params, headers=ADMIN)).status_code == 400


async def test_an_unknown_customer_is_not_found_and_signing_in_is_required(client, world):
    assert (await client.get(f"/api/customers/{uuid4()}/export", headers=ADMIN)).status_code == 404
    assert (await client.get(f"/api/customers/{world.ana}/export")).status_code == 401


@pytest.mark.parametrize("format", ["json", "html"])
async def test_every_export_is_recorded(client, world, format):
    await client.get(f"/api/customers/{world.ana}/export", params={"format": format}, headers=ADMIN)
    rows = await world.db.fetch("select actor, subjects from audit_unsealed where action = 'exportCustomer'")
    assert [tuple(row) for row in rows] == [("administrator", [str(world.ana)])]


async def test_an_erased_customers_export_is_empty(client, world):
    await world.db.execute("update appointment set status = 'cancelled'")
    await client.post(f"/api/customers/{world.ana}/erase", headers=ADMIN)
    data = (await client.get(f"/api/customers/{world.ana}/export", headers=ADMIN)).json()
    assert (
        data["customer"]["name"],
        data["customer"]["email"],
        data["sessions"],
        data["patients"][0]["notes"],
    ) == ("(erased)", None, [], None)
