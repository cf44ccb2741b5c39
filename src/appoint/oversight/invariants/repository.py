"""SQL for invariants: one statement each, in `sql/`. A statement returns the records that violate its invariant, and
its first line states the invariant in words."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Final

from ...database.constraints import expected_constraints
from ...database.pool import Statements
from ...database.sql import Query, load
from ...kit.ids import PLATFORM
from .model import InvariantReport

MAX_COUNT: Final = 10_000
OF_CLINIC: Final = (
    "doctor_free",
    "patient_free",
    "person_free",
    "within_hours",
    "slots_disjoint",
    "schedule_disjoint",
    "schedule_keeps_times",
    "time_slots_disjoint",
    "appointment_times",
    "appointment_states",
    "appointment_parties",
    "patients_registered",
    "records_joined",
    "requests_once",
    "ids_of_clinic",
    "versions_contiguous",
    "calls_once",
    "messages_once",
    "deliveries_once",
    "payments_spent",
    "invoices_paid",
    "refunds_taken",
    "allocation_sizes",
    "invoice_lines",
    "invoice_amounts",
    "credit_notes",
    "numbers_gapless",
    "documents_numbered",
    "coupon_uses",
    "ledger_accounts",
    "transfers_resolved",
    "invoices_posted",
    "payments_posted",
    "allocations_posted",
    "refunds_posted",
    "audit_chain",
)
"""The statements for each clinic."""
OF_PLATFORM: Final = ("constraints_in_force", "erased_customers", "audit_chain")
"""The statements for the platform."""
QUERIES: Final[Mapping[str, Query]] = {name: load(__name__, name) for name in dict.fromkeys(OF_CLINIC + OF_PLATFORM)}


def invariants_of(clinic_id: int) -> Sequence[str]:
    """Return the names of a clinic's invariants, or the platform's."""
    return OF_PLATFORM if clinic_id == PLATFORM else OF_CLINIC


@cache
def meaning_of(invariant: str) -> str:
    """Return an invariant as a sentence."""
    return QUERIES[invariant].text.partition("\n")[0].removeprefix("-- ")


async def list_violations(db: Statements, invariant: str, clinic_id: int) -> list[str]:
    """Return the records that violate an invariant, up to `MAX_COUNT` of them."""
    query = QUERIES[invariant]
    values = {"clinic_id": clinic_id, "limit": MAX_COUNT, "constraints": expected_constraints()}
    rows = await db.run("fetch", query, query.arguments({name: values[name] for name in query.parameters}))
    return [row.subject for row in rows]


async def list_clinics(db: Statements, *, after: int | None, limit: int | None) -> list[int]:
    """Return the numbers of the platform (0) and of all clinics, even closed ones, in order."""
    rows = await db.fetch(
        """
        select id
          from (select $1::integer as id union all select id from clinic) as each
         where $2::integer is null or id > $2
         order by id
         limit $3
        """,
        PLATFORM,
        after,
        limit,
    )
    return [row.id for row in rows]


async def replace(tx: Statements, report: InvariantReport, *, now: datetime) -> None:
    """Replace the results of the clinic's previous check."""
    await tx.execute(
        """
        with deleted as (
          delete from invariant_violation where clinic_id = $1 and invariant <> all($2::text[])
        )
        insert into invariant_violation (clinic_id, invariant, violations, found_at)
        select $1, invariant, violations, $4 from unnest($2::text[], $3::integer[]) as t (invariant, violations)
        on conflict (clinic_id, invariant) do update
           set violations = excluded.violations, found_at = excluded.found_at
        """,
        report.clinic_id,
        [violation.invariant for violation in report.violations],
        [violation.count for violation in report.violations],
        now,
    )
