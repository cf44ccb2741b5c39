"""Lists of a clinic's patients. Joined records appear once, as their main record."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final, NamedTuple
from uuid import UUID

from ..database.pool import Statements
from ..database.sql import load
from .model import NO_TERMS, Patient, SearchTerms
from .repository import to_patient

LIST_PATIENTS: Final = load(__name__, "list_patients")
LIST_BY_NAME: Final = load(__name__, "list_by_name")
MAX_INITIALS: Final = 60


class ListedPatient(NamedTuple):
    """A patient in the list that staff see."""

    id: UUID
    name: str
    email: str | None
    phone: str | None
    birth_date: date | None
    record_number: str | None
    active: bool
    has_joined: bool
    """Whether other records are joined with this one."""


async def list_patients(
    db: Statements,
    clinic_id: int,
    *,
    doctor_id: UUID | None,
    terms: SearchTerms | None,
    updated_since: datetime | None,
    after: tuple[UUID] | None,
    limit: int,
) -> Sequence[Patient]:
    """Return a clinic's or a doctor's patients, ordered by date of registration, plus one beyond `limit` if there is a
    next page. Joined records appear once, as their main record."""
    words, birth_dates, date_pattern = terms or NO_TERMS
    rows = await db.fetch(
        LIST_PATIENTS,
        clinic_id=clinic_id,
        doctor_id=doctor_id,
        words=words,
        birth_dates=birth_dates,
        date_pattern=date_pattern,
        updated_since=updated_since,
        after=after[0] if after else UUID(int=0),
        limit=limit,
    )
    return [to_patient(db, row) for row in rows]


async def list_by_name(
    db: Statements,
    clinic_id: int,
    *,
    doctor_id: UUID | None,
    terms: SearchTerms | None,
    initial: str | None,
    after: UUID | None,
    limit: int,
) -> list[ListedPatient]:
    """Return a clinic's or a doctor's patients in alphabetical order, or only those whose name begins with an initial,
    plus one beyond `limit` if there is a next page. Those with the search's words at the start of a name come before
    those with them inside one."""
    words, birth_dates, date_pattern = terms = terms or NO_TERMS
    rows = await db.fetch(
        LIST_BY_NAME,
        clinic_id=clinic_id,
        doctor_id=doctor_id,
        words=words,
        starts=terms.starts,
        birth_dates=birth_dates,
        date_pattern=date_pattern,
        initial=initial,
        after=after,
        limit=limit,
    )
    return [ListedPatient(*row.values()) for row in rows]


async def list_initials(db: Statements, clinic_id: int) -> list[str]:
    """Return the letters that the names of the clinic's patients begin with, in order."""
    rows = await db.fetch(
        """
        select upper(left(c.words, 1)) as initial
          from patient p
          join clinic_customer c on c.id = p.customer_id
         where p.clinic_id = $1 and coalesce(p.main_id = p.customer_id, true)
         group by 1
         order by 1
         limit $2
        """,
        clinic_id,
        MAX_INITIALS,
    )
    return [row.initial for row in rows]
