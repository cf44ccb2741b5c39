"""What people write is encrypted in the database, and can be read wherever it may be shown."""

import asyncio
import os
import subprocess
from datetime import datetime
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from appoint.database import embedded
from appoint.kit import clock
from appoint.kit.key_ring import UNREADABLE, EncryptedField, KeyRing
from appoint.oversight.privacy import service as privacy
from support.database import SERVER_FOLDER
from support.encryption import stored, values
from support.keys import OLDER_KEY
from support.written_records import WORDS, Records


@pytest.fixture
async def records(client, db):
    records = Records(client, db)
    await records.add()
    return records


async def test_everything_that_people_write_is_encrypted_and_can_be_read_again(records):
    text = await stored(records.db)
    assert [word for word in WORDS.values() if word in text] == []
    found = {column: " ".join(texts) for column, texts in (await values(records.db)).items()}
    assert {column: word in found[column] for column, word in WORDS.items()} == dict.fromkeys(WORDS, True)
    visits = [await records.call("GET", f"/api/appointments/{id}") for id in records.visits]
    assert [visit["notes"] for visit in visits] == ["marzipan 0", "marzipan 1", "marzipan -2"]
    assert [visit["cancelReason"] for visit in visits] == [None, "parrotfish", None]
    assert (await records.call("GET", f"/api/appointments/{records.visits[2]}", headers=records.manager))[
        "overrideReason"
    ] == "quicksilver"
    assert (await records.call("GET", f"/api/clinics/1/patients/{records.ana}"))["notes"] == "xylophone"
    assert (await records.call("GET", f"/api/absences/{records.absence['id']}"))["reason"] == "meningitis"
    (emergency,) = (await records.call("GET", "/api/clinics/1/emergencyAccess"))["items"]
    assert emergency["reason"] == "thunderstorm"


async def test_an_export_contains_the_text_and_an_erasure_removes_it(records):
    export = await privacy.export(records.db, customer_id=UUID(records.ana), now=clock.now())
    assert [patient.notes for patient in export.patients] == ["xylophone"]
    assert {appointment.notes for appointment in export.appointments} == {"marzipan 0", "marzipan -2"}
    assert "quicksilver" in {appointment.override_reason for appointment in export.appointments}
    for id in (records.visits[0], records.visits[2]):
        await records.call("DELETE", f"/api/appointments/{id}", status=204)
    await records.call("POST", f"/api/customers/{records.ana}/erase", {})
    found = await values(records.db)
    assert (found["patient.notes"], found["emergency_access.reason"]) == ([], [])
    assert found["appointment.notes"] == ["marzipan 1"]


async def test_the_page_behind_a_manage_link_decrypts_nothing(records, monkeypatch):
    def refuse(*_: object) -> str:
        raise AssertionError("decrypted")

    monkeypatch.setattr(KeyRing, "_open", refuse)
    assert (await records.client.get(f"/appointments/{records.token}")).status_code == 200


async def test_a_text_moved_to_another_row_says_that_it_cannot_be_decrypted(records):
    await records.db.execute(
        """
        update patient set notes = (select notes from patient where customer_id = $1) where customer_id = $2
        """,
        UUID(records.ana),
        UUID(records.ben),
    )
    assert (await records.call("GET", f"/api/clinics/1/patients/{records.ben}"))["notes"] == UNREADABLE
    assert (await records.call("GET", f"/api/clinics/1/patients/{records.ana}"))["notes"] == "xylophone"


async def test_pages_work_without_the_key_and_saving_them_keeps_what_cannot_be_read(records):
    lost = KeyRing.parse(OLDER_KEY)
    notes = lost.encrypt("xylophone", EncryptedField.PATIENT_NOTES, f"1/{records.ana}")
    await records.db.execute("update patient set notes = $1 where customer_id = $2", notes, UUID(records.ana))
    visit = records.visits[0]
    visit_notes = lost.encrypt("marzipan", EncryptedField.APPOINTMENT_NOTES, visit)
    await records.db.execute("update appointment set notes = $1 where id = $2", visit_notes, UUID(visit))
    german = records.manager | {"Accept-Language": "de"}
    start = datetime.fromisoformat((await records.call("GET", f"/api/appointments/{visit}"))["startTime"])
    day = start.astimezone(ZoneInfo("Europe/Berlin")).date()
    page = await records.client.get(f"/staff/1/patients/{records.ana}", headers=german)
    assert (page.status_code, "(Dieser Text ist nicht lesbar.)" in page.text) == (200, True)
    board = await records.client.get(f"/staff/1/board.json?from={day}&to={day}", headers=german)
    assert (board.status_code, "(Dieser Text ist nicht lesbar.)" in board.text) == (200, True)

    for text in (UNREADABLE, "(Dieser Text ist nicht lesbar.)"):
        body = {"recordNumber": "7", "notes": text}
        patient = await records.call("PATCH", f"/api/clinics/1/patients/{records.ana}", body)
        assert (patient["recordNumber"], patient["notes"]) == ("7", UNREADABLE)
        await records.call("PATCH", f"/api/appointments/{visit}", {"notes": text})
    await records.call("PATCH", f"/api/clinics/1/patients/{records.ana}", {"recordNumber": "8"})
    assert await records.db.fetchval("select notes from patient where customer_id = $1", UUID(records.ana)) == notes
    assert await records.db.fetchval("select notes from appointment where id = $1", UUID(visit)) == visit_notes

    replaced = await records.call("PATCH", f"/api/clinics/1/patients/{records.ana}", {"notes": "plays the harp"})
    assert replaced["notes"] == "plays the harp"


async def test_a_webhook_whose_key_is_missing_waits(records):
    secret = KeyRing.parse(OLDER_KEY).encrypt_bytes(b"x" * 32, EncryptedField.WEBHOOK_SECRET, records.webhook["id"])
    await records.db.execute("update webhook set secret = $1", secret)
    await records.call("GET", f"/api/webhooks/{records.webhook['id']}")
    await records.call("POST", f"/api/webhooks/{records.webhook['id']}/test", status=503)


async def test_a_dump_of_the_database_contains_nothing_that_people_wrote(records, database_url):
    folder = Path(os.environ[SERVER_FOLDER])
    with embedded.running(folder, durable=False, say=lambda _: None) as server:
        command = [server.binaries / "pg_dump", "--data-only", database_url]
        dumped = await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True, text=True)
    assert "Lakeside" in dumped.stdout
    assert [word for word in WORDS.values() if word in dumped.stdout] == []
    assert records.webhook["secret"].removeprefix("whsec_") not in dumped.stdout
