"""What the code promises about itself, read from the code."""

import ast
import json
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import pytest

import appoint
from appoint.database import pool, sql
from appoint.events.model import CATALOGUE
from appoint.http import openapi
from appoint.server import app as application
from appoint.settings import Settings
from support.app import ADMIN, TOKEN, settings
from support.rows import appointment_type, book, clinic, customer, doctor, later, publish

SOURCE = Path(appoint.__file__).parent
MODULES = {path.relative_to(SOURCE): ast.parse(path.read_text()) for path in sorted(SOURCE.rglob("*.py"))}
APP = application.create(settings(), database_url="", admin_token=TOKEN)
A_STATEMENT = re.compile(r"\s*(with|select|insert into|update|delete from|truncate|table|copy|lock) ")

ACROSS_CLINICS = {
    ("clinics.list_active", "clinic"): "the list of clinics",
    ("clinics.list_choices", "clinic"): "the clinics that a user works at",
    ("slots.active_clinics", "clinic"): "the nightly generation goes through all",
    ("catalogue.load", "clinic"): "by the short name in a page's address",
    ("availability.next_slots", "booking_slot"): "search",
    ("availability.clinics", "clinic"): "the page to find a clinic",
    ("availability.specialties", "doctor"): "what it can be narrowed by",
    ("booking.of_customer", "appointment"): "a customer's own appointments",
    ("booking.visits_of_customers", "appointment"): "the same",
    ("customers.count_upcoming_appointments", "appointment"): "whether a customer may be removed",
    ("customers.list_ids_at_address", "appointment"): "whether a customer with the address has booked anywhere",
    ("customers.find_at_address", "appointment"): "the same",
    ("booking.expire_holds", "appointment"): "the sweep of holds that have run out",
    ("http.forget_requests", "appointment"): "the sweep of old idempotency keys",
    ("database.queue_lengths", "event"): "what waits, for /metrics",
    ("database.queue_lengths", "notification"): "the same",
    ("database.queue_lengths", "webhook"): "the same",
    ("database.queue_lengths", "broker_message"): "the same",
    ("events.take_batch", "event"): "the relay",
    ("events.park_followers", "event"): "the relay",
    ("events.list_parked", "event"): "the administrator's list",
    ("events.release", "event"): "the administrator's",
    ("events.delete_relayed", "event_log"): "the sweep of old relayed events",
    ("notifications.due_reminders", "clinic"): "the workers remind for all clinics",
    ("notifications.supersede", "notification"): "a batch of events is of many clinics",
    ("notifications.plan_agendas", "clinic"): "the workers tell doctors of all clinics",
    ("notifications.lease_due", "notification"): "the workers send for all clinics",
    ("broker.list_oldest", "broker_message"): "one worker publishes for all clinics",
    ("broker.delete", "broker_message"): "the same",
    ("broker.put_aside", "broker_message"): "the same",
    ("webhooks.claim", "webhook"): "the workers send for all clinics",
    ("webhooks.delete_old", "webhook_delivery"): "the sweep of old deliveries",
    ("privacy.clinics_of", "appointment"): "where somebody is a patient",
    ("privacy.clinics_of", "patient"): "the same",
    ("privacy.patients", "patient"): "what is held of somebody, at all clinics",
    ("privacy.appointments", "appointment"): "the same",
    ("privacy.notifications", "notification"): "the same",
    ("privacy.events", "event"): "the same",
    ("privacy.events", "event_log"): "the same",
    ("privacy.lock_traces", "appointment"): "somebody is erased everywhere",
    ("privacy.erase_appointments", "appointment"): "the same",
    ("privacy.erase_patients", "patient"): "the same",
    ("privacy.erase_notifications", "notification"): "the same",
    ("privacy.erase_others_messages", "notification"): "the same",
    ("privacy.periods", "clinic"): "the nightly forgetting goes through all",
    ("privacy.is_kept", "patient"): "whether any clinic keeps somebody",
    ("privacy.is_kept", "appointment"): "the same",
    ("audit.waiting", "audit_unsealed"): "the workers seal for all clinics",
    ("audit.chains", "audit_unsealed"): "what there is to check",
    ("audit.chains", "audit_entry"): "the same",
    ("audit.chains", "audit_head"): "the same",
    ("database.queue_lengths", "audit_unsealed"): "what waits, for /metrics",
    ("accounts.list_memberships", "membership"): "where somebody works",
    ("accounts.record_joining", "membership"): "the same",
    ("accounts.list_users", "membership"): "the administrator's list",
}
"""The statements that look further than one clinic, in which of its tables, and why."""


class Text(NamedTuple):
    """A string of the source, and the top-level function or constant that holds it."""

    holder: str
    value: str


def texts(module: ast.Module) -> Iterator[Text]:
    for part in module.body:
        match part:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                holder = part.name
            case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
                holder = name
            case _:
                holder = ""
        documentation = {id(node.value) for node in ast.walk(part) if isinstance(node, ast.Expr)}
        for node in ast.walk(part):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
                yield Text(holder, node.value)


REPOSITORIES = ("repository.py", "visits.py", "owners.py")


def feature(path: Path) -> str:
    """The feature that a module is part of."""
    return path.parts[path.parts.index("repository") - 1] if "repository" in path.parts else path.parent.name


def is_repository(path: Path) -> bool:
    """Whether the module is a repository, or part of one that is a package."""
    return path.name in REPOSITORIES or "repository" in path.parts


def holds_sql(path: Path) -> bool:
    return is_repository(path) or path.parts[0] in ("database", "demo")


STATEMENTS = [
    (f"{feature(path)}.{text.holder.lower()}", text.value)
    for path, module in MODULES.items()
    if is_repository(path) or path in (Path("database/upkeep.py"), Path("database/job_runs.py"))
    for text in texts(module)
    if A_STATEMENT.match(text.value)
] + [
    (query.name, query.text)
    for path in sorted(SOURCE.rglob("sql/*.sql"))
    for query in [sql.parse(f"{feature(path.parent)}.{path.stem}", path.read_text())]
]
RULES = {
    path: module
    for path, module in MODULES.items()
    if is_repository(path)
    or path.name in ("service.py", "search.py", "model.py", "rules.py", "refusals.py", "planning.py")
    or path in [Path(f"booking/{name}.py") for name in ("book", "holds", "reschedule", "transitions")]
    or path in [Path(f"identity/accounts/{name}.py") for name in ("credentials", "staff")]
}


def test_the_source_is_found():
    assert len(STATEMENTS) > 80
    assert len(RULES) > 25


def test_sql_is_in_repositories_and_nowhere_else():
    assert [
        (str(path), text)
        for path, module in MODULES.items()
        if not holds_sql(path)
        for text in texts(module)
        if A_STATEMENT.match(text.value)
    ] == []


def test_only_typed_services_are_read_from_the_applications_state():
    assert [
        str(path)
        for path, module in MODULES.items()
        for node in ast.walk(module)
        if isinstance(node, ast.Attribute)
        and node.attr == "state"
        and isinstance(node.value, ast.Attribute | ast.Name)
        and ast.unparse(node.value).endswith("app")
    ] == ["http/request.py", "http/services.py", "server/app.py"]


def test_nobody_assembles_sql():
    """What is sent to the database is written there, whole, or is a constant."""
    calls = [
        (str(path), call.lineno, call.args[0])
        for path, module in RULES.items()
        for call in ast.walk(module)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr in ("fetch", "fetchrow", "fetchval", "execute")
    ]
    assert len(calls) > 80
    assert [
        (path, line)
        for path, line, sql in calls
        if not (isinstance(sql, ast.Constant) or (isinstance(sql, ast.Name) and sql.id.isupper()))
    ] == []


async def test_every_statement_stays_within_one_clinic_but_for_the_listed(db):
    """By the database's own plans: whatever part of a statement reads a clinic's table, it reads that of one clinic."""
    unbound = set()
    async with db.connection() as connection, connection.transaction():
        # so that what is joined is looked up by clinic, as in a large table
        await connection.execute(
            "set local enable_hashjoin = off; set local enable_mergejoin = off; set local enable_seqscan = off"
        )
        found = await connection.fetch(
            "select attrelid::regclass::text from pg_attribute join pg_class c on c.oid = attrelid where attname = 'clinic_id' and relkind = 'r'"
        )
        key_of = {row[0]: "clinic_id" for row in found} | {"clinic": "id"}
        for name, sql in STATEMENTS:
            await connection.execute(f"prepare statement as {sql}")
            parameters = await connection.fetchval(
                "select parameter_types from pg_prepared_statements where name = 'statement'"
            )
            arguments = f"({', '.join(['null'] * len(parameters))})" if parameters else ""
            (explained,) = json.loads(await connection.fetchval(f"explain (format json) execute statement {arguments}"))
            await connection.execute("deallocate statement")
            for node in nodes(explained["Plan"]):
                table = node.get("Relation Name")
                conditions = " ".join(
                    str(value) for what, value in node.items() if what == "Filter" or what.endswith("Cond")
                )
                if (
                    table in key_of
                    and node["Node Type"] != "ModifyTable"
                    and not re.search(rf"\b{key_of[table]} = (?!ANY)", conditions)
                ):
                    unbound.add((name, table))
    either = {
        ("notifications.plan_agendas", "clinic"),
        ("notifications.plan_agendas", "doctor"),
    }  # which comes first is the planner's choice
    assert unbound & either
    assert unbound | either == set(ACROSS_CLINICS) | either


def nodes(plan: dict) -> Iterator[dict]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


TOKENS = ("notifications.lease_due", "notifications.renew", "notifications.release_token")
"""The right to call a provider goes by the one clock that all workers share."""


def test_rules_never_look_at_the_clock():
    """Below the edge `now` is an argument; SQL says `now()` only of the rows it writes: when they changed, and in
    `insert_appointments`, when a doctor of theirs was chosen."""
    clocks = {
        ("clock", "now"),
        ("datetime", "now"),
        ("datetime", "utcnow"),
        ("datetime", "today"),
        ("date", "today"),
        ("time", "time"),
        ("time", "time_ns"),
    }
    looks = [
        (str(path), node.lineno)
        for path, module in RULES.items()
        for node in ast.walk(module)
        if isinstance(node, ast.Attribute)
        and (getattr(node.value, "id", getattr(node.value, "attr", None)), node.attr) in clocks
    ]
    said = {
        name
        for name, sql in STATEMENTS
        if not name.startswith("database.")
        and re.search(r"\b(now|clock_timestamp)\(|\bcurrent_(date|time)", sql.replace("updated_at = now()", ""))
    }
    assert (looks, said - {"booking.insert_appointments", *TOKENS}) == ([], set())


def test_every_type_of_event_that_is_written_is_in_the_catalogue_and_every_other_one_is_not():
    in_sql = chain.from_iterable(re.findall(r"'([a-z-]+\.[a-z-]+)'", sql) for _, sql in STATEMENTS)
    written = [module for path, module in RULES.items() if feature(path) != "events"]
    in_rules = (
        text.value for module in written for text in texts(module) if re.fullmatch(r"[a-z-]+\.[a-z-]+", text.value)
    )
    assert sorted({*in_sql, *in_rules} - {"webhook.test", "invite.ics"}) == sorted(CATALOGUE)


def test_every_setting_says_what_it_means():
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


class Counter:
    """Statements, whoever sends them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        for door in (pool.Database, pool.Transaction):
            monkeypatch.setattr(door, "run", self.counted(door.run))

    def counted(self, run):
        async def counting(*args):
            self.count += 1
            return await run(*args)

        return counting


async def test_reading_a_list_costs_as_many_statements_for_three_as_for_one(db, client, monkeypatch):
    counter = Counter(monkeypatch)
    seen = []
    world = {}
    for number in (0, 1, 2):
        world = await one_more(db, client, number) | world
        if number == 1:
            continue
        costs, sizes = {}, {}
        for operation in openapi.operations(APP):
            if operation.method == "get" and operation.query:
                asked = {"date": world["day"]} if operation.path.endswith(("/availability", "/search")) else {}
                asked |= {"email": "ana@example.com"} if operation.handler.operation_id == "findCustomers" else {}
                path = operation.path.format_map(world)
                await client.get(path, params=asked, headers=ADMIN)  # fills the cache
                before = counter.count
                answer = await client.get(path, params=asked, headers=ADMIN)
                assert answer.status_code == 200, (path, answer.text)
                costs[operation.path], sizes[operation.path] = counter.count - before, len(answer.content)
        seen.append((costs, sizes))
    (cost_of_one, size_of_one), (cost_of_three, size_of_three) = seen
    assert len(cost_of_one) > 10
    assert cost_of_three == cost_of_one
    assert [path for path, size in size_of_three.items() if size <= size_of_one[path]] == []


async def one_more(db, client, number: int) -> dict[str, object]:
    """One more of everything that is listed somewhere; the first of each is what lists are asked of."""
    clinic_id = await clinic(client)
    ids = {
        "doctorId": await doctor(client),
        "customerId": await customer(client, email="ana@example.com"),
        "clinicId": clinic_id,
        "day": str(later(24 * 7).date()),
    }
    await appointment_type(client)
    minutes = f"[{number * 60},{number * 60 + 60})"
    await db.execute(
        "insert into time_slot (clinic_id, id, minutes) values (1, mint_id(1), $1::text::int4range)", minutes
    )
    first_doctor = await db.fetchval("select id from doctor order by id limit 1")
    first_customer = await db.fetchval("select id from customer order by id limit 1")
    await db.execute(
        "insert into doctor_slot (clinic_id, id, doctor_id, weekday, minutes, valid) values (1, mint_id(1), $1, $2, $3::text::int4range, '[,)')",
        first_doctor,
        later(24 * 7).isoweekday(),
        minutes,
    )
    start = later(24 * 7).replace(hour=8 + number, minute=0, second=0)
    end = start.replace(minute=30)
    await db.execute(
        "insert into absence (clinic_id, id, during) values (1, mint_id(1), tstzrange($1, $2))",
        end,
        end.replace(minute=40),
    )
    await publish(db, str(first_doctor), start, end)
    await publish(db, str(first_doctor), end, end.replace(minute=45))
    await book(db, str(first_doctor), str(first_customer), start, start.replace(minute=15))
    await db.execute("insert into patient values (1, $1) on conflict do nothing", ids["customerId"])
    await db.execute(
        """
        insert into notification (clinic_id, id, kind, subject_id, sequence, recipient, recipient_id, channel, due_at, expires_at)
        values (1, mint_id(1), 'stranded', $1, 0, 'staff', '1', 'email', now(), now())
        """,
        f"absence {number}",
    )
    locale = ("en", "de", "es")[number]
    await db.execute(
        "insert into message_template (clinic_id, id, kind, channel, locale, text) values (1, mint_id(1), 'reminder', 'sms', $1, 'Please come.')",
        locale,
    )
    webhook_id = await db.fetchval(
        "insert into webhook (clinic_id, id, url, secret) values (1, mint_id(1), 'https://partner.example.com/', sha256('')) returning id"
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
        "insert into api_key (clinic_id, id, name, scopes, secret_hash) values (1, mint_id(1), 'Portal', '{book}', sha256(''))"
    )
    return {**ids, "providerId": ids["doctorId"], "webhookId": webhook_id}


GO_THROUGH_PATIENTS = {
    "customers.find_patient",
    "customers.list_patients",
    "customers.patient_names",
    "day_board.of_patients",
}


def test_people_are_looked_up_one_by_one():
    """The planner cannot look up single rows of `clinic_customer`, which is a security barrier, in a plain join: it
    goes through all the clinic's patients."""
    assert {name for name, sql in STATEMENTS if re.search(r"join clinic_customer\b", sql)} == GO_THROUGH_PATIENTS
