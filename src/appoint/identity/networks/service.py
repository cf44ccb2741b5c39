"""Read and replace the networks from which a clinic's staff have access."""

from ... import audit
from ...database.pool import Statements, Transaction
from ...kit import errors
from ...kit.actors import Actor
from ...kit.allow_lists import is_within, normalized
from . import repository
from .model import StaffNetworks


async def get(db: Statements, clinic_id: int) -> StaffNetworks:
    """Return the clinic's networks. Raise `NotFound`."""
    networks = await repository.find(db, clinic_id)
    if networks is None:
        raise errors.NotFound
    return StaffNetworks(networks=networks)


async def replace(tx: Transaction, actor: Actor, *, clinic_id: int, content: StaffNetworks) -> StaffNetworks:
    """Replace the clinic's networks, with effect from the next request. Raise `NotFound`, or `Invalid` if the caller
    would lock themselves out."""
    networks = normalized(content.networks)
    if actor.user_id and not is_within(actor.address, networks):
        raise errors.Invalid(
            errors.Fault("#/networks", "must include your own address, {address}", address=actor.address)
        )
    if not await repository.replace(tx, clinic_id, networks):
        raise errors.NotFound
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[clinic_id])
    return StaffNetworks(networks=networks)
