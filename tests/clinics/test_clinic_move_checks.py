"""What moves with a clinic, and when a move is refused or cancelled."""

import re
from uuid import uuid4

import asyncpg
import pytest

from appoint.clinics.moves import service
from appoint.database import migrate
from appoint.database.moves.model import Ends, MoveFailed
from appoint.database.moves.tables import LEFT_BEHIND, clinic_tables
from appoint.events.service import relay
from appoint.integrations.webhooks.service import fan_out
from appoint.kit import clock
from support import webhook_api
from support.cell_pairs import CLINIC, LEFTOVERS, Killed, add_clinic, be_killed, copy_only, fetch, violations
from support.invoices import create_patient, issue
from support.world import create_clinic

pytestmark = pytest.mark.xdist_group("cell-pairs")


async def test_a_cancelled_move_leaves_no_copy(cells, monkeypatch):
    await add_clinic(cells)
    await copy_only(cells, monkeypatch)
    await service.cancel(cells.ends, CLINIC, "cell-1")
    assert await cells.homes() == [1, 0]
    for server in cells.servers:
        assert await fetch(server, LEFTOVERS) == 0
    assert not await cells.dbs[1].fetchval("select count(*) from event")
    await cells.move()
    with pytest.raises(MoveFailed, match="already at home"):
        await service.cancel(cells.ends, CLINIC, "cell-1")


async def test_an_unfinished_move_cannot_make_two_cells_the_home(cells, monkeypatch):
    await add_clinic(cells)
    with monkeypatch.context() as patch:
        patch.setattr(service, "_clean_up", be_killed)
        with pytest.raises(Killed):
            await cells.move()
    with pytest.raises(MoveFailed, match="not finished"):
        await cells.move(back=True)
    home = cells.dbs[1]
    await home.execute("delete from event")
    await home.execute("delete from clinic")  # as if it had moved on to a third cell
    await home.execute("update clinic_home set moves = moves + 1")
    await cells.move()
    assert await cells.homes() == [0, 0]


async def test_a_dry_run_counts_and_changes_nothing(cells):
    await add_clinic(cells)
    summary = await service.preview(cells.ends, CLINIC, "cell-1")
    assert (summary.rows, summary.people) == (1, 0)
    for server in cells.servers:
        assert await fetch(server, LEFTOVERS) == 0


async def test_a_move_that_cannot_work_is_refused_before_anything_changes(cells):
    await add_clinic(cells)
    source, target = cells.dbs

    async def refusal(clinic_id: int = CLINIC, cell: str = "cell-1", ends: Ends = cells.ends) -> str:
        with pytest.raises(MoveFailed) as refused:
            await service.move(ends, clinic_id, cell, now=clock.now(), progress=lambda *_: None)
        return str(refused.value)

    assert "There is no cell north" in await refusal(cell="north")
    assert "is this cell" in await refusal(cell="cell-0")
    assert "Clinic 7 is not at home in this cell" in await refusal(7)
    first = cells.servers[0]
    assert "does not belong to cell-1" in await refusal(ends=Ends(first.url, first.url, first.url))
    assert "cannot be used" in await refusal(ends=Ends(first.url, "postgresql://127.0.0.1:1/x", first.url))
    await source.execute("update clinic set slug = 'lakeside'")
    await target.execute("insert into clinic (name, time_zone, slug) values ('Hillside', 'UTC', 'lakeside')")
    assert "also has the address lakeside" in await refusal()
    await target.execute("delete from clinic")
    newer = "update schema_migration set revision = $2 where revision = $1"
    await fetch(cells.servers[1], newer, migrate.newest(), "9999")
    assert "at revision 9999" in await refusal()
    await fetch(cells.servers[1], newer, "9999", migrate.newest())
    for server in cells.servers:
        assert await fetch(server, LEFTOVERS) == 0


async def test_people_webhooks_and_invoice_numbers_move_too(cells):
    async with cells.clients() as (first, second):
        await create_clinic(first)
        customer_id = await create_patient(first)
        await webhook_api.webhook(first)
        once = {"Idempotency-Key": str(uuid4())}
        payment = {"customerId": customer_id, "method": "cash", "amount": {"amount": 900, "currency": "EUR"}}
        paid = await first.post("/api/clinics/1/payments", json=payment, headers=once)
        assert paid.status_code == 201
        numbers = [(await issue(first, customer_id, 5000))["number"] for _ in range(2)]
        await cells.move()
        numbers += [(await issue(second, customer_id, 5000))["number"] for _ in range(2)]
        assert [int(re.findall(r"\d+", number)[-1]) for number in numbers] == [1, 2, 3, 4]
        # the tests' clock differs from the servers', and keys expire
        await cells.dbs[1].execute("update request_key set created_at = $1", clock.now())
        repeated = await second.post("/api/clinics/1/payments", json=payment, headers=once)
        assert repeated.json()["id"] == paid.json()["id"]
        patient = await second.get(f"/api/clinics/1/patients/{customer_id}")
        assert patient.json()["name"] == "Ana"
        response = await first.post("/api/clinics/1/patients", json={"name": "Ben"})
        assert response.status_code == 404
        home = cells.dbs[1]
        await second.patch("/api/clinics/1", json={"phone": "+4930123456"})
        assert await relay(home, [fan_out], now=clock.now()) > 0
        assert await home.fetchval("select count(*) from webhook_delivery where status = 'queued'") > 0
        assert await violations(home) == []


async def test_every_table_of_a_clinic_moves_unless_it_is_left_behind_on_purpose(cells):
    connection = await asyncpg.connect(cells.servers[0].url)
    try:
        names = set(await clinic_tables(connection))
        with_clinic = await connection.fetch(
            """
            select table_name::text as name from information_schema.columns
             where table_schema = 'public' and column_name = 'clinic_id'
               and table_name in (select relname from pg_class where relkind = 'r')
            """
        )
        assert {row["name"] for row in with_clinic} - names == set(LEFT_BEHIND)
        keyless = await connection.fetch(
            """
            select c.relname from pg_class c
             where c.relname = any($1)
               and not exists (select
                                 from pg_index i
                                 join pg_attribute a on a.attrelid = c.oid and a.attnum = any(i.indkey)
                                where i.indrelid = c.oid and i.indisprimary and a.attname = 'clinic_id')
            """,
            list(names),
        )
        assert keyless == []  # PostgreSQL could not replicate changes of their rows
    finally:
        await connection.close()
