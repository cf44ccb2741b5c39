"""SQL for a clinic's networks."""

from collections.abc import Sequence

from ...database.pool import Statements


async def find(db: Statements, clinic_id: int) -> list[str] | None:
    """Return the clinic's networks; None if the clinic does not exist."""
    return await db.fetchval("select staff_networks from clinic where id = $1", clinic_id)


async def replace(tx: Statements, clinic_id: int, networks: Sequence[str]) -> bool:
    """Replace the clinic's networks. Return False if the clinic does not exist."""
    return bool(
        await tx.fetchval(
            "update clinic set staff_networks = $2 where id = $1 returning true", clinic_id, list(networks)
        )
    )
