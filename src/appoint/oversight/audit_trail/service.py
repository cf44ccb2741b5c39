"""Find what audit entries are about, and the entries about a patient."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple
from uuid import UUID

from ...audit.model import AuditEntry
from ...booking.bookings import service as bookings
from ...booking.model import Appointment
from ...clinics.doctors import service as doctors
from ...customers import service as customers
from ...customers.model import SearchTerms
from ...database.pool import Statements
from ...scheduling.absences import service as absences
from ...scheduling.absences.model import Absence
from . import repository

MAX_MATCHES: Final = 20
"""The maximum number of patients that a search by name covers."""
MAX_VISITS: Final = 1000
MAX_DESCRIBED: Final = 5
"""How many of an entry's subjects are described. If there are more, as when a day's appointments were listed, the rest
are only counted.
"""


class Subjects(NamedTuple):
    """What entries are about, by the subjects' ids."""

    appointments: dict[str, Appointment]
    patients: dict[str, str]
    """The names of patients, including those with these appointments."""
    doctors: dict[str, str]
    absences: dict[str, Absence]

    @property
    def ids(self) -> list[str]:
        """The ids of the records that the descriptions disclose."""
        return [*self.appointments, *self.patients]


async def describe(db: Statements, *, clinic_id: int, entries: Iterable[AuditEntry]) -> Subjects:
    """Return the appointments and people that the entries are about, in four statements."""
    ids = {id for entry in entries for subject in entry.subjects[:MAX_DESCRIBED] if (id := _parse(subject)) is not None}
    appointments = await bookings.list_by_ids(db, clinic_id=clinic_id, ids=list(ids))
    people = ids | {appointment.customer_id for appointment in appointments if appointment.status != "pending"}
    names = await customers.load_patient_names(db, clinic_id, list(people))
    of_doctors = await doctors.names(db, clinic_id)
    return Subjects(
        {str(appointment.id): appointment for appointment in appointments},
        {str(id): name for id, name in names.items()},
        {str(id): name for id, name in of_doctors.items()},
        {str(absence.id): absence for absence in await absences.list_by_ids(db, clinic_id, list(ids))},
    )


def _parse(subject: str) -> UUID | None:
    try:
        return UUID(subject)
    except ValueError:
        return None


async def find_subjects(db: Statements, *, clinic_id: int, terms: SearchTerms) -> Sequence[str]:
    """Return the ids under which entries about matching patients, and their appointments, are listed."""
    patients = await repository.find_patients(db, clinic_id=clinic_id, terms=terms, limit=MAX_MATCHES)
    return await repository.list_patients_subjects(db, clinic_id=clinic_id, customer_ids=patients, limit=MAX_VISITS)
