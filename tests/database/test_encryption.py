"""A pass over the database encrypts plaintext and values with older keys, while Appoint is in use."""

import asyncio
from uuid import UUID

import pytest

from appoint.booking import repository as appointments
from appoint.customers import repository as customers
from appoint.database.encryption import repository, service
from appoint.database.pool import Database
from appoint.kit.key_ring import UNREADABLE, EncryptedField, KeyRing
from support.constraint_preparations import rejection
from support.constraint_rows import ANA, BOOKED, CANCELLED, EMERGENCY, MIA, platform_id
from support.encryption import ENCRYPTED_VALUES, PLAINTEXT, VALUES, add_plaintext, decrypt, legacy_totp, stored, values
from support.keys import KEY, NEWER_KEY, OLDER_KEY

NEW_RING = KeyRing.parse(f"{NEWER_KEY},{KEY}")


@pytest.fixture
async def plaintext(db):
    """A database in which each encrypted column that an earlier release had contains its plaintext."""
    await add_plaintext(db)
    return db


@pytest.fixture
async def rotated(db):
    """The same database with a newer key."""
    database = Database(db.connector.open, size=8, wait_seconds=30, keys=NEW_RING)
    yield database
    await database.close()


async def run(db: Database):
    return await service.encrypt_all(db, decrypt=decrypt)


async def test_all_plaintext_is_encrypted_and_still_readable(plaintext):
    done = await run(plaintext)
    assert (done.encrypted, done.unreadable) == (len(PLAINTEXT), {})
    assert await values(plaintext) == {column: [text] for column, text in VALUES.items()}
    text = await stored(plaintext)
    for value in VALUES.values():
        assert value not in text
        assert value.encode().hex() not in text
    assert (await run(plaintext)).encrypted == 0


async def test_afterwards_each_column_contains_only_values_with_the_newest_key(plaintext, rotated):
    assert {(use.column, use.key) for use in await service.count_by_key(plaintext)} == {
        *((column, None) for column in PLAINTEXT),
        *((column, "tests") for column in ENCRYPTED_VALUES),
    }
    assert (await service.count_outdated(plaintext)).total() == len(PLAINTEXT)
    await run(plaintext)
    assert {(use.column, use.key) for use in await service.count_by_key(plaintext)} == {
        (column, "tests") for column in VALUES
    }
    assert (await service.count_outdated(rotated)).total() == len(VALUES)
    await run(rotated)
    assert {use.key for use in await service.count_by_key(rotated)} == {"newer"}
    assert await values(rotated, keys=KeyRing.parse(NEWER_KEY)) == {column: [text] for column, text in VALUES.items()}


async def test_encryption_changes_neither_versions_nor_times_of_change(plaintext):
    query = """
        select id, version, updated_at from appointment
         union all
        select customer_id, version, updated_at from patient
         order by 1
        """
    before = await plaintext.fetch(query)
    await run(plaintext)
    assert await plaintext.fetch(query) == before


async def test_machine_readable_reasons_stay_as_they_are(plaintext):
    await plaintext.execute(
        "update appointment set cancel_reason = 'hold-expired', cancel_cause = 'hold-expired' where id = $1", CANCELLED
    )
    await plaintext.execute("update appointment set override_reason = '(erased)' where id = $1", BOOKED)
    await run(plaintext)
    rows = await plaintext.fetch("select cancel_reason, override_reason from appointment order by id")
    assert [tuple(row.values()) for row in rows] == [(None, "(erased)"), ("hold-expired", None)]


async def test_a_pass_can_be_interrupted_and_started_again(db, monkeypatch):
    await add_plaintext(db)
    ids = [platform_id(1000 + number) for number in range(25)]
    for id in ids:
        await db.execute("insert into customer (id, name) values ($1, 'Cleo')", id)
        await db.execute("insert into patient (clinic_id, customer_id, notes) values (1, $1, $2)", id, f"note of {id}")
    monkeypatch.setattr(service, "BATCH_SIZE", 10)

    def interrupt(_column: str, encrypted: int) -> None:
        if encrypted >= 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await service.encrypt_all(db, decrypt=decrypt, progress=interrupt)
    encrypted = [use for use in await service.count_by_key(db) if (use.column, use.key) == ("patient.notes", "tests")]
    assert [use.values for use in encrypted] == [20]
    assert (await run(db)).encrypted == 25 + len(PLAINTEXT) - 20
    assert sorted((await values(db))["patient.notes"]) == sorted(
        [PLAINTEXT["patient.notes"], *(f"note of {id}" for id in ids)]
    )


async def test_values_that_cannot_be_decrypted_are_counted_by_reason_and_kept(plaintext, rotated):
    await run(plaintext)
    lost = KeyRing.parse(OLDER_KEY).encrypt("gone", EncryptedField.APPOINTMENT_NOTES, BOOKED)
    await plaintext.execute("update appointment set notes = $1 where id = $2", lost, BOOKED)
    await plaintext.execute(
        "update patient set notes = (select notes from appointment where id = $1) where customer_id = $2", BOOKED, ANA
    )
    moved = legacy_totp("X", platform_id(99))
    await plaintext.execute("update app_user set totp_secret = $1 where id = $2", moved, MIA)
    done = await run(rotated)
    assert done.unreadable == {
        "encryption key older is missing from APPOINT_ENCRYPTION_KEYS": 2,
        "not encrypted with APPOINT_SECRET_KEY": 1,
    }
    assert await plaintext.fetchval("select notes from appointment where id = $1", BOOKED) == lost
    assert (await values(rotated))["appointment.notes"] == [UNREADABLE]


async def test_nothing_is_lost_or_unreadable_when_keys_change_under_load(db, rotated, monkeypatch):
    """Writers with the old key and with the new one keep changing the same notes while passes run."""
    await add_plaintext(db)
    monkeypatch.setattr(service, "BATCH_SIZE", 7)
    people = [UUID(platform_id(2000 + number)) for number in range(30)]
    for id in people:
        await db.execute("insert into customer (id, name) values ($1, 'Cleo')", id)
        await db.execute("insert into patient (clinic_id, customer_id, notes) values (1, $1, 'from before')", id)
    latest = dict.fromkeys(people, "from before")
    running = True

    async def write(writer: int, writing: Database) -> None:
        turn = 0
        own = people[writer::4]
        while running:
            for id in own:
                latest[id] = text = f"writer {writer}, turn {turn}"
                await customers.change_patient(writing, 1, id, record_number=None, notes=text)
            note = appointments.NotesChange(f"writer {writer}, turn {turn}", None)
            await appointments.change_notes(writing, clinic_id=1, appointment_id=UUID(BOOKED), to=note)
            turn += 1

    writers = [asyncio.create_task(write(number, db if number % 2 else rotated)) for number in range(4)]
    async with asyncio.timeout(60):
        for _ in range(8):
            await asyncio.gather(run(rotated), run(rotated))
    running = False
    await asyncio.gather(*writers)
    await run(rotated)
    assert {use.key for use in await service.count_by_key(rotated)} == {"newer"}
    only_newer = KeyRing.parse(NEWER_KEY)
    rows = await db.fetch("select customer_id, notes from patient where customer_id = any($1)", people)
    assert {
        row.customer_id: only_newer.decrypt(row.notes, EncryptedField.PATIENT_NOTES, f"1/{row.customer_id}")
        for row in rows
    } == latest
    (note,) = (await values(rotated, keys=only_newer))["appointment.notes"]
    assert note.startswith("writer ")


async def test_each_statement_leaves_out_a_value_that_has_just_changed(plaintext):
    (column,) = [column for column in repository.COLUMNS if column.name == "patient.notes"]
    found = await repository.find_outdated(plaintext, column, after=service.START, current="^enc1:", limit=10)
    await plaintext.execute("update patient set notes = 'newer' where customer_id = $1", ANA)
    assert await repository.replace(plaintext, column, found, ["outdated"]) == 0
    assert await plaintext.fetchval("select notes from patient where customer_id = $1", ANA) == "newer"


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("update webhook set secret = convert_to('enc1:' || repeat('a', 195), 'UTF8')", None),
        ("update webhook set secret = convert_to('enc1:' || repeat('a', 196), 'UTF8')", "webhook_secret"),
        ("update webhook set secret = convert_to(repeat('a', 65), 'UTF8')", "webhook_secret"),
        ("update emergency_access set reason = 'enc1:key:' || repeat('a', 1191)", None),
        ("update emergency_access set reason = 'enc1:key:' || repeat('a', 1192)", "emergency_access_reason"),
    ],
)
async def test_ciphertexts_have_a_maximum_length(rows, statement, constraint):
    assert getattr(await rejection(rows, statement), "constraint_name", None) == constraint


async def test_the_database_recognises_ciphertext_by_its_form(db):
    ciphertexts = [db.keys.encrypt(text, EncryptedField.STAFF_NOTES, BOOKED) for text in ("", "x", "🪡" * 200)]
    base64 = "a" * 38
    others = ["", "enc1:", f"enc1::{base64}", f"enc1:key:{base64[1:]}", f"enc1:key:{base64}\n", f" enc1:key:{base64}"]
    for value in ciphertexts + others:
        assert await db.fetchval("select is_ciphertext($1)", value) == (value in ciphertexts), value


async def test_the_longest_texts_fit_once_encrypted(plaintext):
    longest = "🪡" * 200
    reason = plaintext.keys.encrypt(longest, EncryptedField.EMERGENCY_REASON, EMERGENCY)
    await plaintext.execute("update emergency_access set reason = $1", reason)
    await plaintext.execute("update webhook set secret = $1", b"x" * 64)
    await run(plaintext)
    assert (await values(plaintext))["emergency_access.reason"] == [longest]
    assert (await values(plaintext))["webhook.secret"] == ["x" * 64]
