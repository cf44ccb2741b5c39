"""SQL for cells and for the clinics' homes."""

from collections.abc import Sequence
from datetime import datetime

from ...database.pool import Statements
from ...database.rows import to
from ...kit.ids import CLINICS_PER_CELL
from .model import Cell, CellSummary, ClinicHome


async def list_cells(db: Statements) -> list[Cell]:
    rows = await db.fetch("select number, name, url from cell order by number")
    return [to(Cell, row) for row in rows]


async def add_cell(tx: Statements, cell: Cell) -> bool:
    """Insert a cell, or change the URL of the cell with this number and name.

    Return whether it did: not if the number belongs to another name. Raise `UniqueViolationError` if another cell has
    the name or the URL.
    """
    row = await tx.fetchrow(
        """
        insert into cell as c (number, name, url) values ($1, $2, $3)
            on conflict (number) do update set url = excluded.url where c.name = excluded.name
        returning number
        """,
        cell.number,
        cell.name,
        cell.url,
    )
    return row is not None


async def reserve_numbers(owner: Statements, number: int) -> None:
    """Make the database give new clinics only numbers from this cell's block. Only the owner of the tables can do so.

    Raise `SequenceGeneratorLimitExceededError` from then on when the block is used up.
    """
    await owner.execute("select reserve_clinic_numbers($1::integer)", number)


async def has_clinics_outside(db: Statements, number: int) -> bool:
    """Return whether there are clinics whose numbers are not from the cell's block and that have not moved here."""
    return await db.fetchval(
        """
        select exists (select from clinic c
                        where c.id / $2 <> $1
                          and not exists (select from clinic_home h where h.clinic_id = c.id and h.moves > 0))
        """,
        number,
        CLINICS_PER_CELL,
    )


async def list_homes(db: Statements, *, since: datetime | None) -> tuple[list[ClinicHome], datetime | None]:
    """Return the homes that changed since then, and when the last of them did. Without a time, return all.

    Transactions can commit later than others that began after them, so this includes the minute before `since`.
    """
    rows = await db.fetch(
        """
        select clinic_id, cell, moves, slug, updated_at
          from clinic_home
         where $1::timestamptz is null or updated_at > $1 - interval '1 minute'
        """,
        since,
    )
    return [to(ClinicHome, row) for row in rows], max((row.updated_at for row in rows), default=since)


async def list_own_clinics(db: Statements, *, number: int, since: datetime | None) -> Sequence[ClinicHome]:
    """Return the clinics at home in the cell with this number, which is this one, that changed since then."""
    rows = await db.fetch(
        """
        select c.id as clinic_id, coalesce(h.moves, 0) as moves, case when c.active then c.slug end as slug
          from clinic c left join clinic_home h on h.clinic_id = c.id
         where coalesce(h.cell, c.id / $3) = $1
           and ($2::timestamptz is null or greatest(c.updated_at, h.updated_at) > $2 - interval '1 minute')
         order by c.id
        """,
        number,
        since,
        CLINICS_PER_CELL,
    )
    return [ClinicHome(row.clinic_id, number, row.moves, row.slug) for row in rows]


async def save_homes(tx: Statements, homes: Sequence[ClinicHome], *, now: datetime) -> None:
    """Insert or update homes, except those that this cell knows to be outdated."""
    await tx.execute(
        """
        insert into clinic_home as h (clinic_id, cell, moves, slug, updated_at)
        select *, $5::timestamptz from unnest($1::integer[], $2::smallint[], $3::integer[], $4::text[])
            on conflict (clinic_id) do update
               set cell = excluded.cell, moves = excluded.moves, slug = excluded.slug, updated_at = excluded.updated_at
             where excluded.moves > h.moves
                or (excluded.moves = h.moves and excluded.cell = h.cell and excluded.slug is distinct from h.slug)
        """,
        [home.clinic_id for home in homes],
        [home.cell for home in homes],
        [home.moves for home in homes],
        [home.slug for home in homes],
        now,
    )


async def find_followed_until(db: Statements, number: int) -> datetime | None:
    """Return the time up to which this cell has learned about the clinics of another, by that cell's clock."""
    return await db.fetchval("select followed_until from cell where number = $1", number)


async def note_followed(tx: Statements, number: int, *, until: datetime) -> None:
    await tx.execute("update cell set followed_until = $2 where number = $1", number, until)


async def summarise(db: Statements) -> list[CellSummary]:
    """Return all cells with what this cell knows about their clinics."""
    rows = await db.fetch(
        """
        select e.number, e.name, e.url, e.followed_until as until,
               (select count(*) from clinic_home h where h.cell = e.number and h.slug is not null)
               + (select count(*) from clinic c
                   where c.active and c.id / $1 = e.number
                     and not exists (select from clinic_home h where h.clinic_id = c.id)) as clinics
          from cell e
         order by e.number
        """,
        CLINICS_PER_CELL,
    )
    return [to(CellSummary, row) for row in rows]
