"""A recording is stored only with all three keys, and leaves nothing behind."""

from datetime import timedelta

import pytest

from appoint.calls.guests import repository as guests
from appoint.calls.joining import links
from appoint.calls.recordings import jobs, repository, service
from appoint.kit import clock
from appoint.kit.blobs import BlobStore
from support.app import ADMIN, composed
from support.calls import SECRET, begin_at
from support.recorded_visits import VIDEO, RecordedVisit, create_visit


@pytest.fixture
async def visit(db, client, tmp_path) -> RecordedVisit:
    return await create_visit(db, client, tmp_path)


@pytest.fixture
def app_store(client, database_url, tmp_path, monkeypatch) -> BlobStore:
    """The application's own store, in this test's folder."""
    store = composed(database_url).state.services.get(BlobStore)
    monkeypatch.setattr(store, "directory", tmp_path / "app")
    monkeypatch.setattr(store, "_opened", None)
    return store


async def test_with_all_three_keys_the_recording_moves_to_our_store(visit):
    await visit.record()
    assert (await visit.recordings(), visit.daily.recordings) == (["stored"], {})
    (content,) = visit.files()
    assert (len(content) > len(VIDEO), VIDEO[:23] in content) == (True, False)


@pytest.mark.parametrize("missing", ["policy", "consent", "decision"])
async def test_without_any_of_the_keys_nothing_is_stored(visit, missing):
    await visit.begin()
    await visit.agree()
    if missing != "decision":
        await visit.decide()
    if missing == "consent":
        await visit.client.post(f"{visit.page}/recording/withdraw")
    if missing == "policy":
        await visit.db.execute("update call_settings set recording = 'forbidden'")
    assert (await visit.report()).status_code == 200
    await visit.work()
    assert (await visit.recordings(), visit.is_gone()) == ([], True)


async def test_a_recording_reported_after_the_call_was_started_again_is_stored(visit):
    await visit.begin()
    await visit.agree()
    doctor = await visit.decide()
    for step in ("end", "renew"):
        (await visit.client.post(f"/api/appointments/{visit.id}/call/{step}", headers=doctor)).raise_for_status()
    await visit.report()
    await visit.work()
    assert await visit.recordings() == ["stored"]


async def test_only_a_doctor_with_consent_gets_a_token_that_can_record(visit):
    await visit.begin()
    terms = await service.find_terms(visit.db, visit.id)
    assert not terms.allows_recording
    await visit.agree()
    await visit.decide()
    assert (await service.find_terms(visit.db, visit.id)).allows_recording


async def test_withdrawing_consent_deletes_the_recording(visit):
    await visit.record()
    await visit.client.post(f"{visit.page}/recording/withdraw")
    assert await visit.db.fetchval("select key from recording") is None
    await visit.work()
    assert (await visit.recordings(), visit.is_gone()) == ([], True)


async def test_consent_that_is_withdrawn_while_the_recording_is_copied_leaves_nothing(visit):
    await visit.begin()
    await visit.agree()
    await visit.decide()
    await visit.report()
    (leased,) = await jobs.lease(visit.copier, 4)
    await visit.client.post(f"{visit.page}/recording/withdraw")
    await jobs.attempt(visit.copier, leased)
    await visit.db.execute("update recording set due_at = now(), leased_until = null")
    await visit.work()
    assert (await visit.recordings(), visit.is_gone()) == ([], True)


async def test_a_recording_is_deleted_when_its_retention_period_is_over(visit):
    await visit.record()
    assert await repository.expire(visit.db, now=clock.now() + timedelta(days=29)) == 0
    assert await repository.expire(visit.db, now=clock.now() + timedelta(days=30)) == 1
    await visit.db.execute("update recording set due_at = now()")
    await visit.work()
    assert (await visit.recordings(), visit.is_gone()) == ([], True)


async def test_a_copy_expires_even_if_the_provider_never_deletes_its_own(visit):
    await visit.begin()
    await visit.agree()
    await visit.decide()
    await visit.report()
    (leased,) = await jobs.lease(visit.copier, 4)
    await jobs.attempt(visit.copier, leased)
    assert await visit.recordings() == ["copied"]
    assert await repository.expire(visit.db, now=clock.now() + timedelta(days=29)) == 0
    assert await repository.expire(visit.db, now=clock.now() + timedelta(days=31)) == 1
    await visit.db.execute("update recording set due_at = now()")
    await visit.work()
    assert (await visit.recordings(), visit.is_gone()) == ([], True)


async def test_erasing_the_patient_deletes_the_recording(visit):
    await visit.record()
    await guests.add(visit.db, visit.id, "Ines")
    await begin_at(visit.db, visit.id, clock.now() - timedelta(hours=3))
    erased = await visit.client.post(f"/api/customers/{visit.world.ana}/erase", headers=ADMIN)
    assert erased.status_code == 200
    assert await visit.db.fetchval("select key from recording") is None
    await visit.work()
    assert (await visit.recordings(), visit.is_gone()) == ([], True)
    for table in ("recording_consent", "call_guest"):
        assert await visit.db.fetchval(f"select count(*) from {table}") == 0


async def test_the_doctor_watches_the_recording_in_ranges_and_each_look_is_recorded(visit, app_store):
    visit.store = app_store
    doctor = await visit.record()
    page = await visit.client.get(f"{visit.staff_page}/call", headers=doctor)
    address = next(part for part in page.text.split('"') if "/recordings/" in part)
    whole = await visit.client.get(address, headers=doctor)
    assert (whole.status_code, whole.content == VIDEO, whole.headers["Cache-Control"]) == (200, True, "no-store")
    part = await visit.client.get(address, headers=doctor | {"Range": "bytes=65530-65545"})
    assert (part.status_code, part.content) == (206, VIDEO[65530:65546])
    assert part.headers["Content-Range"] == f"bytes 65530-65545/{len(VIDEO)}"
    beyond = await visit.client.get(address, headers=doctor | {"Range": f"bytes={len(VIDEO)}-"})
    assert beyond.status_code == 416
    looks = await visit.db.fetchval("select count(*) from audit_unsealed where action = 'watchRecording'")
    assert looks == 3


async def test_to_everyone_but_the_doctor_a_recording_does_not_exist(visit):
    await visit.record()
    other_clinic = await visit.world.add_clinic()
    other_doctor = await visit.world.add_doctor("Dr Okafor")
    foreign_doctor = await visit.world.add_doctor("Dr Lindt", clinic=other_clinic)
    id = await visit.db.fetchval("select id from recording")
    for headers in (
        await visit.sign_in("okafor@example.org", "doctor", other_doctor),
        await visit.sign_in("rosa@example.org", "receptionist"),
        await visit.sign_in("mona@example.org", "manager"),
        await visit.sign_in("lindt@example.org", "doctor", foreign_doctor, other_clinic),
    ):
        response = await visit.client.get(f"{visit.staff_page}/recordings/{id}", headers=headers)
        assert (response.status_code in (403, 404), VIDEO[:8] in response.content) == (True, False)


async def test_guests_cannot_consent(visit):
    await visit.begin()
    guest = await guests.add(visit.db, visit.id, "Ines")
    page = f"/join/{links.guest_code(SECRET, guest.id)}"
    assert (await visit.client.post(f"{page}/recording", data={"agrees": "yes"})).status_code == 404
    assert "agrees" not in (await visit.client.get(page)).text


async def test_an_event_that_arrives_twice_is_copied_once(visit):
    await visit.record()
    await visit.report()
    await visit.work()
    assert await visit.recordings() == ["stored"]
