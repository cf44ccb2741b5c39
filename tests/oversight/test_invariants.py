"""The self-check: every invariant as SQL, on data that violates all of them, and on data that violates none."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import msgspec
import pytest
from structlog.testing import capture_logs

from appoint.database import upkeep
from appoint.database.constraints import expected_constraints
from appoint.database.pool import ACROSS, Database, connect
from appoint.kit import errors
from appoint.oversight.invariants import jobs, repository, service
from appoint.oversight.invariants.model import InvariantReport
from support.app import ADMIN
from support.database import copy_template, drop
from support.planted_violations import DROP_CONSTRAINTS, ERASED_BADLY, PLANTED, WORLD
from support.scale import scaled

COUNT = scaled(1000, 10)
"""How many records violate each invariant."""
CLINICS = dict(enumerate(PLANTED, start=1))


async def check(db: Database, *clinic_ids: int) -> list[InvariantReport]:
    return [report async for report in service.check(db, clinic_ids=clinic_ids or await service.list_clinics(db))]


@pytest.fixture(scope="module")
async def broken_url(server_url: str, worker_id: str) -> AsyncIterator[str]:
    """A database without constraints, in which each clinic violates a different invariant."""
    url = await copy_template(server_url, f"broken_{worker_id}")
    connection = await asyncpg.connect(url)
    await connection.execute(DROP_CONSTRAINTS)
    for clinic, invariant in CLINICS.items():
        await connection.execute((WORLD + PLANTED[invariant]).format(clinic=clinic, count=COUNT))
    await connection.execute(ERASED_BADLY.format(count=COUNT))
    await connection.close()
    yield url
    await drop(url)


@pytest.fixture(scope="module")
async def broken(broken_url: str) -> AsyncIterator[Database]:
    db = connect(broken_url, size=2, wait_seconds=30, statement_seconds=60, role=ACROSS)
    yield db
    await db.close()


@pytest.fixture
async def clinic_id(db: Database) -> int:
    return await db.fetchval("insert into clinic (name, time_zone) values ('Lakeside', 'Europe/Berlin') returning id")


async def test_every_planted_violation_is_found(broken):
    found = {
        report.clinic_id: {violation.invariant: violation.count for violation in report.violations}
        for report in await check(broken)
    }
    assert {CLINICS[clinic]: found[clinic].get(CLINICS[clinic]) for clinic in CLINICS} == dict.fromkeys(PLANTED, COUNT)
    assert found[0]["erased-customers"] == COUNT


async def test_missing_constraints_are_named(broken):
    (report,) = await check(broken, 0)
    violation = report.violations[0]
    assert violation.invariant == "constraints-in-force"
    assert violation.count == len([name for name in expected_constraints() if not name.endswith("_pkey")])
    assert "appointment.doctor_free" in await repository.list_violations(broken, "constraints_in_force", 0)


def test_every_invariant_has_a_statement_a_sentence_and_a_planted_violation():
    files = {path.stem for path in (Path(repository.__file__).parent / "sql").glob("*.sql")}
    assert files == set(repository.QUERIES)
    assert all(repository.meaning_of(name).endswith(".") for name in files)
    assert {name.replace("_", "-") for name in repository.OF_CLINIC} == set(PLANTED)


async def test_nothing_can_be_changed_while_checking(db):
    with pytest.raises(errors.Unavailable):  # a read-only transaction, as on a standby
        await db.reading().execute("delete from clinic")


async def test_an_administrator_checks_one_clinic(client, db, clinic_id):
    response = await client.get("/api/invariants", params={"clinicId": clinic_id}, headers=ADMIN)
    assert response.json() == {
        "items": [{"clinicId": clinic_id, "checked": len(repository.OF_CLINIC), "violations": []}],
        "next": None,
    }
    assert (await client.get("/api/invariants", params={"clinicId": 99}, headers=ADMIN)).status_code == 404


async def test_pages_cover_the_platform_and_every_clinic(client, clinic_id):
    first = (await client.get("/api/invariants", params={"limit": 1}, headers=ADMIN)).json()
    second = await client.get("/api/invariants", params={"limit": 1, "cursor": first["next"]}, headers=ADMIN)
    assert [page["items"][0]["clinicId"] for page in (first, second.json())] == [0, clinic_id]
    assert second.json()["next"] is None


async def test_the_nightly_check_logs_violations_and_stores_their_number(broken):
    with capture_logs() as logs:
        await jobs.check_invariants(broken)
    counts = {(log["clinic_id"], log["invariant"]): log["count"] for log in logs}
    assert counts[0, "erased-customers"] == COUNT
    assert {log["event"] for log in logs} == {"invariant violated"}
    assert (await upkeep.queue_lengths(broken)).violations == sum(counts.values())
    await broken.execute("update customer set name = '(erased)' where name = 'Tom' and not active")
    await jobs.check_invariants(broken)
    await broken.execute("update customer set name = 'Tom' where name = '(erased)'")
    assert (await upkeep.queue_lengths(broken)).violations == sum(counts.values()) - COUNT


async def test_the_command_names_violations_and_fails(run_command, broken_url):
    outcome = await run_command("check", "--clinic", "1", database_url=broken_url)
    assert outcome.code == 1
    assert "Clinic 1, doctor-free: A doctor never has two active appointments at the same time" in outcome.output
    assert "Violations: " in outcome.errors
    outcome = await run_command("check", "--clinic", "9999", database_url=broken_url)
    assert (outcome.code, outcome.errors) == (1, "appoint: There is no clinic 9999.")


async def test_the_command_succeeds_if_all_rules_hold(run_command, clinic_id):
    outcome = await run_command("check", "--json")
    assert outcome.code == 0
    assert [msgspec.json.decode(line)["clinicId"] for line in outcome.output.splitlines()] == [0, clinic_id]
    assert "All rules hold." in outcome.errors
