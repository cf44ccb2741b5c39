"""Read and replace a clinic's sign-in rules."""

from ... import audit
from ...database.pool import Statements, Transaction
from ...kit import errors
from ...kit.actors import Actor
from . import repository
from .model import SignInRules


async def get(db: Statements, clinic_id: int) -> SignInRules:
    """Return the clinic's rules. Raise `NotFound`."""
    second_factor = await repository.find(db, clinic_id)
    if second_factor is None:
        raise errors.NotFound
    return SignInRules(second_factor=second_factor)


async def replace(tx: Transaction, actor: Actor, *, clinic_id: int, content: SignInRules) -> SignInRules:
    """Replace the clinic's rules, with effect from everyone's next request. Raise `NotFound`."""
    if not await repository.replace(tx, clinic_id, second_factor=content.second_factor):
        raise errors.NotFound
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[clinic_id])
    return content
