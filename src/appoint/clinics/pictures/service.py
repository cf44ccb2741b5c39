"""Replace and remove pictures."""

from uuid import UUID

from ... import audit
from ...database.pool import Statements, Transaction
from ...kit import errors
from ...kit.actors import Actor
from ...kit.ids import clinic_of
from ..clinics import service as clinics
from ..doctors import service as doctors
from . import repository
from .model import EncodedPicture, Purpose


async def get(db: Statements, clinic_id: int, hash: str) -> bytes:
    """Return a picture's content, or raise `NotFound`."""
    content = await repository.find(db, clinic_id, hash)
    if content is None:
        raise errors.NotFound
    return content


async def set_clinic_picture(
    tx: Transaction,
    actor: Actor,
    *,
    clinic_id: int,
    purpose: Purpose,
    picture: EncodedPicture | None,
    if_match: str | None,
) -> None:
    """Replace the clinic's logo or photo, or remove it. Raise `NotFound` for an unknown clinic."""
    await clinics.lock(tx, clinic_id, if_match)
    if picture:
        await repository.add(tx, clinic_id, picture)
    set_hash = repository.set_logo if purpose == "logo" else repository.set_photo
    await set_hash(tx, clinic_id, picture and picture.hash)
    await repository.delete_unused(tx, clinic_id)
    await clinics.append_changed(tx, clinic_id)
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[clinic_id])


async def set_portrait(
    tx: Transaction, actor: Actor, *, doctor_id: UUID, picture: EncodedPicture | None, if_match: str | None
) -> None:
    """Replace the doctor's portrait, or remove it. Raise `NotFound` for an unknown doctor."""
    clinic_id = clinic_of(doctor_id)
    await doctors.lock(tx, doctor_id, if_match)
    if picture:
        await repository.add(tx, clinic_id, picture)
    await repository.set_portrait(tx, clinic_id, doctor_id, picture and picture.hash)
    await repository.delete_unused(tx, clinic_id)
    await doctors.append_changed(tx, doctor_id)
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[doctor_id])
