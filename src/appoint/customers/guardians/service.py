"""Register, grant and end guardianships."""

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from ... import audit
from ...clinics.clinics import service as clinics
from ...database.pool import Statements, Transaction
from ...kit import clock, errors
from ...kit.actors import SYSTEM, Actor
from ...kit.ids import PLATFORM
from ...kit.manage_links import LINK_TTL
from .. import repository as customers
from ..details import EARLIEST_ZONE, check_name, normalise
from ..model import Customer, CustomerContent
from . import repository
from .model import MAX_WARDS, Guardianship, NewGuardian, NewWard, end_of

EXPIRY: Final = msgspec.structs.replace(SYSTEM, operation="endGuardianship")


async def register_ward(
    tx: Transaction, actor: Actor, *, guardian: Customer, content: NewWard, now: datetime
) -> Guardianship:
    """Register a child, or someone else without a record of their own, so that the guardian can book for them. They
    have no address: messages about them go to the guardian.

    Raise `Invalid`, or a `Conflict`: `too-many-wards` or `customer-erased`.
    """
    check_name(actor, content.name)
    today = clock.local_date(now, guardian.time_zone or EARLIEST_ZONE)
    ends_on = end_of(content.birth_date, content.ends_on, today=today)
    locked = await customers.lock(tx, guardian.id)
    if locked is None or locked.erased_at:
        raise errors.Conflict("customer-erased")
    if len(await repository.list_of_guardian(tx, guardian.id, today=today)) >= MAX_WARDS:
        raise errors.Conflict("too-many-wards", n=MAX_WARDS)
    details = CustomerContent(
        content.name, locale=guardian.locale, time_zone=guardian.time_zone, birth_date=content.birth_date
    )
    ward = await customers.add(tx, normalise(details, stored_phone=None, now=now))
    guardianship_id = await repository.add(
        tx, guardian_id=guardian.id, ward_id=ward.id, clinic_id=None, ends_on=ends_on
    )
    assert guardianship_id, "the ward is new"
    await audit.record(tx, actor, clinic_id=PLATFORM, subjects=[guardianship_id, guardian.id, ward.id])
    return await get(tx, guardianship_id)


async def grant(
    tx: Transaction, actor: Actor, *, clinic_id: int, ward_id: UUID, content: NewGuardian, now: datetime
) -> Guardianship:
    """Let one of the clinic's patients book for another, at this clinic only.

    Raise `NotFound` unless both are the clinic's patients. Also raise `Invalid`, or `Conflict` (`already-guardian`).
    """
    guardian_id = content.guardian_id
    for customer_id in sorted({guardian_id, ward_id}):  # so that neither is erased before the transaction ends
        await customers.lock(tx, customer_id)
    if not await repository.are_patients(tx, clinic_id, [guardian_id, ward_id]):
        raise errors.NotFound
    if guardian_id == ward_id:
        raise errors.Invalid(errors.Fault("#/guardianId", "must be a different person"))
    ward = await customers.find(tx, ward_id)
    assert ward, "a patient is a customer"
    clinic = await clinics.get(tx, clinic_id)
    ends_on = end_of(ward.birth_date, content.ends_on, today=clock.local_date(now, clinic.time_zone))
    guardianship_id = await repository.add(
        tx, guardian_id=guardian_id, ward_id=ward_id, clinic_id=clinic_id, ends_on=ends_on
    )
    if guardianship_id is None:
        raise errors.Conflict("already-guardian")
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[guardianship_id, guardian_id, ward_id])
    return await get(tx, guardianship_id)


async def get(db: Statements, guardianship_id: UUID) -> Guardianship:
    """Return a guardianship. Raise `NotFound` if it has been ended."""
    if guardianship := await repository.find(db, guardianship_id):
        return guardianship
    raise errors.NotFound


async def end_own(tx: Transaction, actor: Actor, *, guardianship_id: UUID, customer_id: UUID, now: datetime) -> None:
    """End a guardianship, as its guardian or its ward. The ward's manage links stop working. Raise `NotFound` for
    anyone else's."""
    guardianship = await get(tx, guardianship_id)
    if customer_id not in (guardianship.guardian_id, guardianship.ward_id):
        raise errors.NotFound
    await repository.end(tx, guardianship_id, now=now, linked_since=now - LINK_TTL)
    await audit.record(
        tx,
        actor,
        clinic_id=PLATFORM,
        subjects=[guardianship_id, guardianship.guardian_id, guardianship.ward_id],
        also_at=[guardianship.clinic_id] if guardianship.clinic_id else [],
    )


async def revoke(
    tx: Transaction, actor: Actor, *, clinic_id: int, ward_id: UUID, guardianship_id: UUID, now: datetime
) -> None:
    """End a guardianship that the clinic has granted. The ward's manage links there stop working. Raise `NotFound` for
    any other."""
    guardianship = await get(tx, guardianship_id)
    if (guardianship.clinic_id, guardianship.ward_id) != (clinic_id, ward_id):
        raise errors.NotFound
    await repository.end(tx, guardianship_id, now=now, linked_since=now - LINK_TTL)
    subjects = [guardianship_id, guardianship.guardian_id, guardianship.ward_id]
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=subjects)


async def end_expired(tx: Transaction, *, guardianship_id: UUID, now: datetime) -> None:
    """End a guardianship whose last day has passed. The ward's manage links stop working, as when someone ends it."""
    guardianship = await repository.find(tx, guardianship_id)
    if not await repository.end(tx, guardianship_id, now=now, linked_since=now - LINK_TTL) or guardianship is None:
        return  # another worker got there first, or one of the two people was erased
    subjects = [guardianship_id, guardianship.guardian_id, guardianship.ward_id]
    await audit.record(tx, EXPIRY, clinic_id=guardianship.clinic_id or PLATFORM, subjects=subjects)


async def list_wards(db: Statements, *, guardian_id: UUID, clinic_id: int | None, now: datetime) -> list[Guardianship]:
    """Return the guardianships that let someone book for others today, at a clinic or, if `clinic_id` is None,
    anywhere.
    """
    guardianships = await repository.list_of_guardian(db, guardian_id, today=now.date())
    return [each for each in guardianships if clinic_id is None or each.clinic_id in (None, clinic_id)]


async def list_guardians(db: Statements, *, ward_id: UUID, clinic_id: int | None, now: datetime) -> list[Guardianship]:
    """Return the guardianships that let others book for someone today, at a clinic or, if `clinic_id` is None,
    anywhere.
    """
    guardianships = await repository.list_of_ward(db, ward_id, today=now.date())
    return [each for each in guardianships if clinic_id is None or each.clinic_id in (None, clinic_id)]
