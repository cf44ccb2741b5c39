"""SQL for a clinic's sign-in rules."""

from ...database.pool import Statements


async def find(db: Statements, clinic_id: int) -> bool | None:
    """Return whether the clinic's staff need a second factor; None if the clinic does not exist."""
    return await db.fetchval("select staff_second_factor from clinic where id = $1", clinic_id)


async def replace(tx: Statements, clinic_id: int, *, second_factor: bool) -> bool:
    """Replace the clinic's rules. Return False if the clinic does not exist."""
    return bool(
        await tx.fetchval(
            "update clinic set staff_second_factor = $2 where id = $1 returning true", clinic_id, second_factor
        )
    )
