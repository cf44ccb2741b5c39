"""The people that a signed-in patient can book for."""

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from ...customers import service as customers
from ...customers.guardians import service as guardians
from ...http.cookies import linked_customers_of
from ...kit import clock
from .clinic_visit import ClinicVisit


class Ward(NamedTuple):
    """Someone whom the signed-in customer books for."""

    id: UUID
    name: str
    birth_date: date | None


async def people_of(visit: ClinicVisit) -> Sequence[Any]:
    """Return the signed-in customer, one person for each other name at the same address, and the people they book for.

    Don't return anyone inside another site's frame, because that site could trick the visitor into clicking
    (clickjacking).
    """
    customer_id = visit.request.user.customer_id
    if visit.framed or customer_id is None:
        return []
    customer, others = await customers.find_linked_customers(
        visit.request.services.db.across(), customer_id, linked_customers_of(visit.request)
    )
    by_name: dict[str, Any] = {}
    for person in (customer, *others):
        by_name.setdefault(person.name.casefold(), person)
    wards = await guardians.list_wards(
        visit.request.services.db.across(),
        guardian_id=customer_id,
        clinic_id=visit.catalogue.clinic_id,
        now=clock.now(),
    )
    return [*by_name.values(), *(Ward(ward.ward_id, ward.ward, ward.birth_date) for ward in wards)]
