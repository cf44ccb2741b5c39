"""The number of statements behind a list does not depend on its length."""

from support.app import ADMIN
from support.described import OPERATIONS
from support.money_records import create_money_records
from support.statements import StatementCounter
from support.world import (
    create_appointment_type,
    create_clinic,
    create_customer,
    create_doctor,
    hours_ahead,
    insert_appointment,
    publish_slot,
)

UNSTORED = {"/api/clinics/{clinicId}/publicHolidays"}
"""Lists that don't come from the database, so they don't grow with it."""
CHECKS = {"/api/invariants"}
"""Lists that run statements for each clinic on the page. A page contains few clinics."""


async def test_a_list_of_three_costs_as_many_statements_as_a_list_of_one(db, client, monkeypatch):
    counter = StatementCounter(monkeypatch)
    measurements = []
    world: dict[str, object] = {}
    for number in (0, 1, 2):
        world = await add_one_of_each(db, client, number) | world
        if number == 1:
            continue
        costs, sizes = {}, {}
        for operation in OPERATIONS:
            if operation.method == "get" and operation.query and operation.path not in CHECKS:
                query = {"date": world["day"]} if operation.path.endswith(("/availability", "/search")) else {}
                query |= {"email": "ana@example.com"} if operation.handler.operation_id == "findCustomers" else {}
                query |= {"name": "Ana"} if operation.handler.operation_id == "findSimilarPatients" else {}
                path = operation.path.format_map(world)
                await client.get(path, params=query, headers=ADMIN)  # fills the cache
                before = counter.count
                response = await client.get(path, params=query, headers=ADMIN)
                assert response.status_code == 200, (path, response.text)
                costs[operation.path], sizes[operation.path] = counter.count - before, len(response.content)
        measurements.append((costs, sizes))
    (cost_of_one, size_of_one), (cost_of_three, size_of_three) = measurements
    assert len(cost_of_one) > 10
    assert cost_of_three == cost_of_one
    assert [path for path, size in size_of_three.items() if size <= size_of_one[path] and path not in UNSTORED] == []


async def add_one_of_each(db, client, number: int) -> dict[str, object]:
    """Add one of everything that operations list. The test reads the lists belonging to the first of each."""
    clinic_id = await create_clinic(client)
    ids = {
        "doctorId": await create_doctor(client),
        "customerId": await create_customer(client, email="ana@example.com"),
        "clinicId": clinic_id,
        "day": str(hours_ahead(24 * 7).date()),
    }
    await create_appointment_type(client)
    minutes = f"[{number * 60},{number * 60 + 60})"
    await db.execute(
        "insert into time_slot (clinic_id, id, minutes) values (1, mint_id(1), $1::text::int4range)", minutes
    )
    first_doctor = await db.fetchval("select id from doctor order by id limit 1")
    first_customer = await db.fetchval("select id from customer order by id limit 1")
    await db.execute(
        """
        insert into doctor_slot (clinic_id, id, doctor_id, weekday, minutes, valid)
        values (1, mint_id(1), $1, $2, $3::text::int4range, '[,)')
        """,
        first_doctor,
        hours_ahead(24 * 7).isoweekday(),
        minutes,
    )
    start = hours_ahead(24 * 7).replace(hour=8 + number, minute=0, second=0)
    end = start.replace(minute=30)
    await db.execute(
        "insert into absence (clinic_id, id, during) values (1, mint_id(1), tstzrange($1, $2))",
        end,
        end.replace(minute=40),
    )
    await publish_slot(db, str(first_doctor), start, end)
    await publish_slot(db, str(first_doctor), end, end.replace(minute=45))
    await insert_appointment(db, str(first_doctor), str(first_customer), start, start.replace(minute=15))
    await db.execute("update appointment set needs_rebooking = true")
    await db.execute(
        """
        insert into stranger_appointment (clinic_id, appointment_id, networks, minutes, held)
        select clinic_id, id, array[sha256('')], 15, false from appointment on conflict do nothing
        """
    )
    await db.execute(
        """
        insert into call (clinic_id, id, appointment_id, sequence, gateway, state, during)
        select 1, mint_id(1), id, 0, 'demo', 'dead', during
          from appointment a
         where not exists (select from call where clinic_id = 1 and appointment_id = a.id)
        """
    )
    await db.execute("insert into patient values (1, $1) on conflict do nothing", ids["customerId"])
    ids |= await create_money_records(db, 1, first_customer, f"ROW-{number}")
    await db.execute(
        """
        insert into account values (1, 'cash', 'EUR'), (1, 'receivable', 'EUR') on conflict do nothing
        """
    )
    await db.execute(
        """
        insert into transfer (clinic_id, id, rule, debit, credit, currency, amount, payment_id)
        values (1, mint_id(1), 'paid-cash', 'cash', 'receivable', 'EUR', 5000, $1)
        """,
        ids["paymentId"],
    )
    await db.execute(
        """
        insert into notification (clinic_id, id, kind, subject_id, sequence, recipient, recipient_id, channel,
                                  due_at, expires_at)
        values (1, mint_id(1), 'stranded', $1, 0, 'staff', '1', 'email', now(), now())
        """,
        f"absence {number}",
    )
    await db.execute(
        """
        insert into emergency_access (clinic_id, id, doctor_id, customer_id, reason, expires_at)
        values (1, mint_id(1), $1, $2, '(erased)', now())
        """,
        first_doctor,
        first_customer,
    )
    locale = ("en", "de", "es")[number]
    await db.execute(
        """
        insert into message_template (clinic_id, id, kind, channel, locale, text)
        values (1, mint_id(1), 'reminder', 'sms', $1, 'Please come.')
        """,
        locale,
    )
    webhook_id = await db.fetchval(
        """
        insert into webhook (clinic_id, id, url, secret)
        values (1, mint_id(1), 'https://partner.example.com/', sha256(''))
        returning id
        """
    )
    await db.execute(
        """
        insert into webhook_delivery (clinic_id, id, webhook_id, event_id, event_type, subject_id, due_at)
        select 1, mint_id(1), id, uuidv7(), 'slot.moved', 'a slot', now() from webhook order by id limit 1
        """
    )
    user_id = await db.fetchval(
        "insert into app_user (name, email) values ('Mia', $1) returning id", f"mia{number}@example.org"
    )
    await db.execute("insert into membership (clinic_id, user_id, role) values (1, $1, 'receptionist')", user_id)
    await db.execute(
        """
        insert into api_key (clinic_id, id, name, scopes, secret_hash)
        values (1, mint_id(1), 'Portal', '{book}', sha256(''))
        """
    )
    await db.execute(
        """
        insert into admin_token (name, secret_hash, expires_at)
        values ('Portal', sha256(''), now() + interval '1 day')
        """
    )
    return {**ids, "providerId": ids["doctorId"], "webhookId": webhook_id}
