"""The database enforces the rules on its own: plain SQL, from any program, cannot violate a constraint."""

import asyncpg

from support.constraint_cases import CASES
from support.constraint_preparations import PREPARATIONS, rejection


async def constraints(db, *, not_null: bool):
    """Return the database's constraints."""
    return await db.fetch(
        """
        select conrelid::regclass::text as table, conname as name,
               (select attname from pg_attribute where attrelid = conrelid and attnum = conkey[1]) as column
          from pg_constraint
         where connamespace <> all ('{pg_catalog,information_schema}'::regnamespace[]) and (contype = 'n') = $1
        """,
        not_null,
    )


async def test_every_constraint_has_a_case_that_violates_it(db):
    assert {constraint.name for constraint in await constraints(db, not_null=False)} == set(CASES)


async def test_each_constraint_rejects_a_row_that_no_other_constraint_rejects(rows):
    """The constraint rejects its case, and the case succeeds without it, so no other constraint implies it."""
    rejected_by, errors_without = {}, {}
    for name, case in CASES.items():
        transaction = rows.transaction()
        await transaction.start()
        await rows.execute(PREPARATIONS.get(name, "select"))
        rejected_by[name] = constraint_of(await rejection(rows, case), name)
        table = await rows.fetchval("select conrelid::regclass::text from pg_constraint where conname = $1", name)
        await rows.execute(f"alter table {table} drop constraint {name} cascade")
        errors_without[name] = await rejection(rows, case)
        await transaction.rollback()
    assert rejected_by == {name: name for name in CASES}
    assert errors_without == dict.fromkeys(CASES)


def constraint_of(error: asyncpg.PostgresError | None, expected: str) -> str:
    """Return the constraint that raised the error. PostgreSQL itself rejects unknown zones while evaluating a
    constraint.
    """
    by_zone = isinstance(error, asyncpg.InvalidParameterValueError) and expected.endswith("_time_zone")
    return expected if by_zone else str(getattr(error, "constraint_name", error))


async def test_every_required_column_rejects_null(rows, db):
    for constraint in await constraints(db, not_null=True):
        error = await rejection(rows, f"update {constraint.table} set {constraint.column} = null")
        assert isinstance(error, asyncpg.NotNullViolationError), constraint.name
        assert (error.table_name, error.column_name) == (constraint.table, constraint.column)


async def test_all_constraints_are_on_tables_and_enforced(db):
    exceptions = await db.fetch(
        """
        select conname from pg_constraint
         where connamespace = 'public'::regnamespace and (contypid <> 0 or not convalidated or not conenforced)
        """
    )
    assert exceptions == []


async def test_no_table_has_a_trigger_or_a_rule(db):
    """Internal triggers implement foreign keys."""
    triggers = await db.fetch(
        """
        select tgname from pg_trigger join pg_class on pg_class.oid = tgrelid
         where relnamespace = 'public'::regnamespace and not tgisinternal
        """
    )
    assert (triggers, await db.fetch("select rulename from pg_rules where schemaname = 'public'")) == ([], [])


async def test_uniqueness_is_always_declared_as_a_constraint(db):
    """Otherwise the list of constraints would be incomplete."""
    indexes = await db.fetch(
        """
        select indexrelid::regclass from pg_index join pg_class on pg_class.oid = indexrelid
         where indisunique and relnamespace = 'public'::regnamespace
           and not exists (select from pg_constraint where conindid = indexrelid)
        """
    )
    assert indexes == []


async def test_every_key_in_a_clinic_table_starts_with_the_clinic(db):
    """This includes foreign keys, so a row can refer only to its own clinic's rows. Customers, users and the broker's
    queue belong to the platform.
    """
    exceptions = await db.fetch(
        """
        select conname as name from pg_constraint
         where contype in ('p', 'u', 'x', 'f')
           and exists (select from pg_attribute where attrelid = conrelid and attname = 'clinic_id')
           and conkey[1] <> (select attnum from pg_attribute where attrelid = conrelid and attname = 'clinic_id')
         order by name
        """
    )
    assert [constraint.name for constraint in exceptions] == [
        "appointment_booker",
        "appointment_customer",
        "audit_unsealed_of_clinic",
        "broker_message_pkey",
        "clinic_home_cell",
        "clinic_move_cell",
        "confirmation_code_customer",
        "coupon_use_customer",
        "emergency_access_customer",
        "event_of_clinic",
        "invoice_customer",
        "membership_user",
        "notification_clinic",
        "patient_corrected",
        "patient_correction_customer",
        "patient_customer",
        "patient_noted",
        "payment_customer",
        "transfer_customer",
    ]
