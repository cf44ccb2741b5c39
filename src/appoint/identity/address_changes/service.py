"""Change a signed-in patient's own address, once they have entered the code sent to the new one."""

import hmac
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from ... import audit
from ...customers import confirmed_addresses
from ...customers import service as customers
from ...customers.model import CustomerPatch
from ...database.pool import Statements, Transaction
from ...kit import signed_tokens
from ...kit.actors import Actor
from ...kit.ids import PLATFORM
from ...messaging.channels.model import Channel
from ...messaging.notifications import service as notifications
from ...messaging.notifications.model import CODE_TTL
from ..sign_in_codes import repository as codes
from . import repository
from .model import PURPOSE, PendingAddress


async def send_code(
    tx: Transaction, actor: Actor, *, customer_id: UUID, channel: Channel, address: str, locale: str, now: datetime
) -> None:
    """Send a code to a customer's new address, in their language or else in `locale`. Until they enter the code, the
    current address remains valid."""
    code_id = await repository.add(
        tx, customer_id=customer_id, channel=channel, address=address, locale=locale, expires_at=now + CODE_TTL
    )
    await notifications.send_address_code(tx, code_id=code_id, customer_id=customer_id, channel=channel, now=now)
    await audit.record(tx, actor, clinic_id=PLATFORM, subjects=[customer_id])


async def list_pending(db: Statements, *, customer_id: UUID, now: datetime) -> Sequence[PendingAddress]:
    """Return the customer's new addresses whose codes have not been entered yet."""
    return await repository.list_pending(db, customer_id, now=now)


async def confirm(
    tx: Transaction, actor: Actor, *, customer_id: UUID, code_id: UUID, code: str, secret: str, now: datetime
) -> bool:
    """Change the customer's address if the code is right, and record that the address is confirmed. Return whether the
    code was right.

    Even a wrong code counts as an attempt, so the caller must always commit the transaction.
    """
    pending = await repository.count_attempt(tx, code_id, customer_id=customer_id, now=now)
    if pending is None:
        return False
    expected = signed_tokens.six_digit_code(secret, PURPOSE, str(code_id))
    if not hmac.compare_digest(expected.encode(), code.encode()):
        refusing = msgspec.structs.replace(actor, operation="signInCodeRefused")
        await audit.record(tx, refusing, clinic_id=PLATFORM, subjects=[customer_id])
        return False
    await codes.mark_used(tx, code_id, now=now)
    change = (
        CustomerPatch(email=pending.address) if pending.channel == "email" else CustomerPatch(phone=pending.address)
    )
    await customers.change(
        tx, actor, customer_id=customer_id, change=change, if_match=None, now=now, address_proven=True
    )
    await confirmed_addresses.mark_confirmed(tx, customer_id, channel=pending.channel, now=now)
    return True
