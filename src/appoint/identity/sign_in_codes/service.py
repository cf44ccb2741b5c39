"""Signing in with a code."""

import hmac
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import asyncpg

from ... import audit
from ...customers import repository as customers
from ...customers import service as customers_service
from ...database.pool import Transaction
from ...kit import errors, signed_tokens
from ...kit.actors import Actor, LinkedCustomers
from ...kit.ids import PLATFORM
from ...messaging.notifications import service as notifications
from ...messaging.notifications.model import CODE_TTL
from ..accounts import service as accounts
from ..accounts.model import Account
from ..sessions import repository as sessions_repository
from ..sessions import service as sessions
from ..sessions.model import Session, hash_of
from . import repository
from .model import MAX_SHARING, PURPOSE, Address, SignInChoice, SignInCode


class Entered(NamedTuple):
    """A signed-in customer with session and token, the address of the code, and the customers it was for."""

    customer: customers.Contact
    session: Session
    account: Account
    token: str
    address: Address
    people: LinkedCustomers


async def ask(tx: Transaction, actor: Actor, *, address: Address, now: datetime) -> SignInCode:
    """Send a code to the address, if it is on a customer's record. Does the same for unknown addresses, so the answer
    does not reveal who is a patient."""
    email, phone = (address.text, None) if address.channel == "email" else (None, address.text)
    customer_ids = await customers.list_ids_at_address(tx, email=email, phone=phone, limit=MAX_SHARING)
    code_id = await repository.add(tx, channel=address.channel, customer_ids=customer_ids, expires_at=now + CODE_TTL)
    await notifications.send_code(
        tx, code_id=code_id, customer_id=next(iter(customer_ids), None), channel=address.channel, now=now
    )
    await audit.record(tx, actor, clinic_id=PLATFORM, subjects=[])
    return SignInCode(code_id, now + CODE_TTL)


async def answer(
    tx: Transaction,
    actor: Actor,
    *,
    code_id: UUID,
    code: str,
    customer_id: UUID | None,
    together: bool = False,
    before: str | None,
    secret: str,
    lasts: timedelta,
    now: datetime,
) -> Entered | list[SignInChoice] | None:
    """Sign in the customer who was sent the code. `before` is the token of the browser's previous session, which ends.

    Where several customers share the address and the request names none, return them as choices and keep the code
    valid; with `together`, sign in the first of them. Return None for a code that is wrong, used, expired, unknown or
    not the named customer's. That counts as an attempt, so it must be committed and recorded too.
    """
    entered = await _enter(
        tx,
        code_id=code_id,
        code=code,
        customer_id=customer_id,
        together=together,
        before=before,
        secret=secret,
        lasts=lasts,
        now=now,
    )
    customers_signed_in = [entered.customer.id] if isinstance(entered, Entered) else []
    await audit.record(tx, actor, clinic_id=PLATFORM, subjects=[code_id, *customers_signed_in])
    return entered


async def _enter(
    tx: Transaction,
    *,
    code_id: UUID,
    code: str,
    customer_id: UUID | None,
    together: bool,
    before: str | None,
    secret: str,
    lasts: timedelta,
    now: datetime,
) -> Entered | list[SignInChoice] | None:
    sent = await repository.attempt(tx, code_id, now=now)
    if sent is None or not hmac.compare_digest(
        signed_tokens.six_digit_code(secret, PURPOSE, str(code_id)).encode(), code.encode()
    ):
        return None
    # skip customers whose record has changed: their address may be another one now
    sharing = await customers.list_unchanged(tx, sent.customer_ids, since=sent.created_at)
    people = [person for person in sharing if customer_id in (None, person.id)]
    if not people:
        return None
    if len(people) > 1 and not together:
        await repository.give_back(tx, code_id)
        return [SignInChoice(person.id, person.name) for person in people]
    person = people[0]
    await repository.use(tx, code_id, now=now)
    if before:
        await sessions_repository.end_by_token(tx, token_hash=hash_of(before))
    try:
        token, row = await sessions.open_session(tx, user_id=None, customer_id=person.id, lasts=lasts, now=now)
    except asyncpg.ForeignKeyViolationError as error:  # erased in this very moment
        raise errors.Unauthorized("wrong-code") from error
    account = await accounts.account(tx, Actor(f"patient:{person.id}", customer_id=person.id))
    contact = person.email if sent.channel == "email" else person.phone
    assert contact  # the code was sent there, and the customer has not changed since
    address = Address(sent.channel, contact)
    return Entered(
        person,
        Session(**dict(row), current=True),
        account,
        token,
        address,
        LinkedCustomers([each.id for each in sharing], sent.created_at),
    )


async def become(
    tx: Transaction,
    actor: Actor,
    *,
    customer_id: UUID,
    known: LinkedCustomers | None,
    before: str,
    lasts: timedelta,
    now: datetime,
) -> str:
    """Switch to another customer whom the code was for. End the session `before` and return the new session's token.
    Raises `NotFound`."""
    assert actor.customer_id, "a patient"
    _, others = await customers_service.linked_customers(tx, actor.customer_id, known)
    if customer_id not in [person.id for person in others]:
        raise errors.NotFound
    await sessions_repository.end_by_token(tx, token_hash=hash_of(before))
    token, _ = await sessions.open_session(tx, user_id=None, customer_id=customer_id, lasts=lasts, now=now)
    await audit.record(tx, actor, clinic_id=PLATFORM, subjects=[])
    return token
