"""Check whether a clinic can be moved, before anything is changed."""

from typing import Any, Final

from ...kit.ids import CLINICS_PER_CELL
from .. import migrate
from .model import Move, MoveFailed

OWN_CELL: Final = """
select min_value / $1 from pg_sequences where sequencename = 'clinic_id_seq' and max_value - min_value < $1
"""
"""The cell whose block the sequence for new clinics is limited to."""
REPLICATES: Final = "select setting = 'logical' from pg_settings where name = 'wal_level'"
CAN_SUBSCRIBE: Final = """
select rolsuper or pg_has_role(oid, 'pg_create_subscription', 'usage') from pg_roles where rolname = current_user
"""
CAN_SKIP_KEYS: Final = "select has_parameter_privilege('session_replication_role', 'set')"


async def find_cell(source: Any, target: Any, name: str) -> int:
    """Return the number of the cell with this name. Raise `MoveFailed` if it is not the target's own, or if the cells'
    lists differ."""
    row = await source.fetchrow("select number from cell where name = $1", name)
    if row is None:
        raise MoveFailed(f"There is no cell {name}. `appoint cell list` shows all cells.")
    own, other = [await each.fetchval(OWN_CELL, CLINICS_PER_CELL) for each in (source, target)]
    if own == row["number"]:
        raise MoveFailed(f"{name} is this cell. Choose another one.")
    if other != row["number"]:
        raise MoveFailed(
            f"The database in APPOINT_TARGET_DATABASE_URL does not belong to {name}. Run `appoint cell add` for {name} "
            "there, or enter the right URL."
        )
    has_both = await target.fetchval("select exists (select from cell where number = $1)", own)
    if own is None or not has_both:
        raise MoveFailed(f"{name} does not know this cell. Add this cell in both (`appoint cell add`).")
    return row["number"]


async def check(move: Move) -> None:
    """Raise `MoveFailed` if the clinic cannot be moved to the target."""
    await _check_databases(move)
    await _check_clinic(move)


async def is_at_home(connection: Any, clinic_id: int) -> bool:
    return await connection.fetchval("select exists (select from clinic where id = $1)", clinic_id)


async def expect_alone(source: Any, clinic_id: int) -> None:
    """Raise `MoveFailed` if another command is moving the clinic."""
    if not await source.fetchval("select pg_try_advisory_lock(hashtextextended('move clinic', $1))", clinic_id):
        raise MoveFailed(f"Another command is moving clinic {clinic_id}.")


async def find_unfinished(connection: Any, clinic_id: int) -> int | None:
    """Return the number of the cell that the clinic has left this one for, if that move is not finished."""
    return await connection.fetchval("select cell from clinic_move where clinic_id = $1", clinic_id)


async def _check_databases(move: Move) -> None:
    for connection, which in ((move.source, "source"), (move.target, "target")):
        revision = await migrate.revision(connection)
        if revision != migrate.newest():
            raise MoveFailed(
                f"The database of the {which} is at revision {revision}, but this version of Appoint needs "
                f"{migrate.newest()}. Use the same version everywhere, and run `appoint migrate`."
            )
        if not await connection.fetchval(CAN_SKIP_KEYS):
            raise MoveFailed(
                f"The owner of the {which}'s database needs a privilege. As a superuser: "
                "grant set on parameter session_replication_role to OWNER"
            )
    if move.source.get_server_version().major != move.target.get_server_version().major:
        raise MoveFailed("Both databases must run the same major version of PostgreSQL.")
    if not await move.source.fetchval(REPLICATES):
        raise MoveFailed("Set wal_level = logical in the source's PostgreSQL, and restart it.")
    if not await move.target.fetchval(CAN_SUBSCRIBE):
        raise MoveFailed(
            "The owner of the target's database may not create subscriptions. As a superuser: "
            "grant pg_create_subscription to OWNER"
        )


async def _check_clinic(move: Move) -> None:
    clinic = await move.source.fetchrow("select slug from clinic where id = $1", move.clinic_id)
    if clinic is None:
        raise MoveFailed(f"Clinic {move.clinic_id} is not at home in this cell.")
    if await is_at_home(move.target, move.clinic_id):
        raise MoveFailed(f"{move.cell} also has clinic {move.clinic_id}, so it cannot be moved there.")
    if await find_unfinished(move.target, move.clinic_id) is not None:
        raise MoveFailed(
            f"The clinic's move from {move.cell} to here is not finished. Run its command there again first."
        )
    if await move.target.fetchval("select exists (select from clinic where slug = $1 and active)", clinic["slug"]):
        raise MoveFailed(
            f"A clinic in {move.cell} also has the address {clinic['slug']}. Change one of the two, then try again."
        )
