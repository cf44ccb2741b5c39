"""Statements that must run before a constraint's case, so that it violates only that constraint."""

import asyncpg

from support.constraint_rows import ANA, BEN, CY, OTHER_ID, booking_slot, day
from support.money_constraint_cases import MONEY_PREPARATIONS

JOINED = (
    f"set constraints all deferred; update patient set main_id = '{ANA}', joined_at = now() where clinic_id = 1;"
    f"update appointment set person_id = '{ANA}'; set constraints all immediate"
)
"""Ana's and Ben's records are joined."""
DR_OKAFOR = f"insert into doctor (clinic_id, id, name) values (1, '{OTHER_ID}', 'Dr Okafor');" + booking_slot(
    id=OTHER_ID, doctor_id=OTHER_ID, during=day(1, "08:00", "16:00")
)
PREPARATIONS = {
    **MONEY_PREPARATIONS,
    "call_settings_pkey": "alter table call_settings drop constraint call_settings_once",
    # Dr Okafor also works at Lakeside and sees the same patient.
    "customer_free": DR_OKAFOR,
    "person_free": f"{DR_OKAFOR}; {JOINED}",
    "patient_noted": "update customer set name = '(erased)', active = false, removed_at = now(), erased_at = now() "
    f"where id = '{CY}'",
    "patient_corrected": "update customer set name = '(erased)', active = false, removed_at = now(), "
    f"erased_at = now() where id = '{CY}'",
    "patient_correction_customer": "delete from guardianship; "
    "update customer set name = '(erased)', active = false, removed_at = now(), "
    f"erased_at = now() where id = '{BEN}'",
    "patient_person": "alter table patient drop constraint patient_pkey cascade",
    "patient_pkey": "alter table patient drop constraint patient_person cascade",
    # These constraints are targets of foreign keys and imply each other.
    "customer_present": "alter table customer drop constraint customer_pkey cascade",
    "customer_pkey": "alter table customer drop constraint customer_present cascade",
    "clinic_active": "alter table clinic drop constraint clinic_pkey cascade",
    "time_slot_minutes": "alter table time_slot drop constraint time_slot_pkey cascade, "
    "drop constraint time_slots_intersect",
}


async def rejection(connection, statement: str) -> asyncpg.PostgresError | None:
    """Run the statement in a transaction and check all constraints, then roll back. Return the error that this raises,
    if any.
    """
    try:
        async with connection.transaction():
            await connection.execute(f"set constraints all deferred; {statement}; set constraints all immediate")
    except asyncpg.PostgresError as error:
        return error
    return None
