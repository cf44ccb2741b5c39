"""Send sign-in codes, and sign patients in with them."""

import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import asyncpg
import msgspec

from ... import audit
from ...clinics.clinics import service as clinics
from ...customers import addresses, confirmed_addresses
from ...customers import repository as customers
from ...customers import service as customers_service
from ...customers.corrections import repository as corrections
from ...customers.corrections.model import CORRECTION_WAIT
from ...database.pool import Statements, Transaction
from ...kit import errors, phones, signed_tokens
from ...kit.actors import Actor, LinkedCustomers
from ...kit.ids import PLATFORM
from ...messaging.notifications import service as notifications
from ...messaging.notifications.model import CODE_TTL
from ..accounts import service as accounts
from ..accounts.model import Account
from ..sessions import repository as sessions_repository
from ..sessions import service as sessions
from ..sessions.model import Session, hash_token
from . import repository
from .model import MAX_SHARING, PURPOSE, Address, SentCode, SignInChoice, SignInCode


class CodeEntry(NamedTuple):
    """A code as entered by a patient."""

    code_id: UUID
    code: str
    customer_id: UUID | None = None
    """The customer to sign in, if several share the address."""
    take_first: bool = False
    """Whether to sign in the first customer if several share the address, instead of returning choices."""
    previous_token: str | None = None
    """The token of the browser's previous session, which ends."""


class CodeSignIn(NamedTuple):
    """A customer's new session, the address that the code was sent to, and all the customers it was sent for."""

    customer: customers.Contact
    session: Session
    account: Account
    token: str
    address: Address
    linked_customers: LinkedCustomers


async def find_phone(db: Statements, *, typed: str, locale: str) -> str | None:
    """Return the number that a patient has typed, in E.164 format, or None if it is not a valid number.

    A number without a country code stands for the one on a customer's record in any clinic's country, or else for the
    one in the language's country. Runs the same statements for unknown numbers.
    """
    guess = phones.to_e164(typed, time_zone=None, locale=locale)
    readings = phones.national_readings(typed, countries=await clinics.list_countries(db))
    registered = await repository.list_registered_phones(db, sorted({*readings, *([guess] if guess else [])}))
    if guess in registered or not registered:
        return guess or min(readings, default=None)
    return registered[0]


async def send_code(
    tx: Transaction, actor: Actor, *, address: Address, locale: str | None = None, now: datetime
) -> SignInCode:
    """Send a code to the address if it is on a customer's record, in their language or else in `locale`. Does the same
    work for unknown addresses, so the response does not reveal who is a patient."""
    email, phone = (address.text, None) if address.channel == "email" else (None, address.text)
    customer_ids = await addresses.list_ids_at_address(tx, email=email, phone=phone, limit=MAX_SHARING)
    code_id = await repository.add(
        tx, channel=address.channel, customer_ids=customer_ids, locale=locale, expires_at=now + CODE_TTL
    )
    await notifications.send_code(
        tx, code_id=code_id, customer_id=next(iter(customer_ids), None), channel=address.channel, now=now
    )
    await audit.record(tx, actor, clinic_id=PLATFORM, subjects=[])
    return SignInCode(code_id, now + CODE_TTL)


async def sign_in(
    tx: Transaction, actor: Actor, *, entry: CodeEntry, secret: str, lifetime: timedelta, now: datetime
) -> CodeSignIn | list[SignInChoice] | None:
    """Sign in the customer who was sent the code.

    If several customers share the address and the entry does not say which one to sign in, return them as choices; the
    code stays valid. Return None for a code that is wrong, used, expired, unknown or not the given customer's. Even
    this counts as an attempt, so the caller must always commit the transaction.
    """
    sent = await repository.count_attempt(tx, entry.code_id, now=now)
    if sent is None:  # recording it would let anyone write any id into the audit log
        return None
    outcome = await _sign_in(tx, actor, entry, sent, secret=secret, lifetime=lifetime, now=now)
    customer_ids = [outcome.customer.id] if isinstance(outcome, CodeSignIn) else []
    if outcome is None:
        actor = msgspec.structs.replace(actor, operation="signInCodeRefused")
    await audit.record(
        tx,
        actor,
        clinic_id=PLATFORM,
        subjects=[entry.code_id, *customer_ids],
        also_at=await _correctors(tx, customer_ids, now=now),
    )
    return outcome


async def _correctors(tx: Transaction, customer_ids: Sequence[UUID], *, now: datetime) -> list[int]:
    """Return the clinics that have recently corrected a customer's address. Their staff could have entered one of their
    own addresses, so their managers have to see who signs in."""
    return [
        clinic_id
        for customer_id in customer_ids
        for clinic_id in await corrections.list_address_correctors(tx, customer_id, since=now - CORRECTION_WAIT)
    ]


async def _sign_in(
    tx: Transaction,
    actor: Actor,
    entry: CodeEntry,
    sent: SentCode,
    *,
    secret: str,
    lifetime: timedelta,
    now: datetime,
) -> CodeSignIn | list[SignInChoice] | None:
    if not _matches(entry, secret):
        return None
    # skip customers whose record has changed, because they may have a different address now
    sharing = await customers.list_unchanged(tx, sent.customer_ids, since=sent.created_at)
    candidates = [customer for customer in sharing if entry.customer_id in (None, customer.id)]
    if not candidates:
        return None
    if len(candidates) > 1 and not entry.take_first:
        await repository.uncount_attempt(tx, entry.code_id)
        return [SignInChoice(customer.id, customer.name) for customer in candidates]
    await repository.mark_used(tx, entry.code_id, now=now)
    await confirmed_addresses.mark_confirmed(tx, candidates[0].id, channel=sent.channel, now=now)
    if entry.previous_token:
        await sessions_repository.end_by_token(tx, token_hash=hash_token(entry.previous_token))
    return await _open_session(tx, actor, candidates[0], sent, sharing, lifetime=lifetime, now=now)


def _matches(entry: CodeEntry, secret: str) -> bool:
    code = signed_tokens.six_digit_code(secret, PURPOSE, str(entry.code_id))
    return hmac.compare_digest(code.encode(), entry.code.encode())


async def _open_session(
    tx: Transaction,
    actor: Actor,
    customer: customers.Contact,
    sent: SentCode,
    sharing: Sequence[customers.Contact],
    *,
    lifetime: timedelta,
    now: datetime,
) -> CodeSignIn:
    try:
        token, session = await sessions.open_session(
            tx, actor, user_id=None, customer_id=customer.id, lifetime=lifetime, now=now
        )
    except asyncpg.ForeignKeyViolationError as error:  # the customer has just been erased
        raise errors.Unauthorized("wrong-code") from error
    account = await accounts.get_account(tx, Actor(f"patient:{customer.id}", customer_id=customer.id))
    contact = customer.email if sent.channel == "email" else customer.phone
    assert contact  # the code was sent there, and the customer has not changed since
    return CodeSignIn(
        customer,
        session,
        account,
        token,
        Address(sent.channel, contact),
        LinkedCustomers([each.id for each in sharing], sent.created_at),
    )


async def switch_customer(
    tx: Transaction,
    actor: Actor,
    *,
    customer_id: UUID,
    linked: LinkedCustomers | None,
    current_token: str,
    lifetime: timedelta,
    now: datetime,
) -> str:
    """Switch to another customer at the address that the code was sent to: end the current session and return a new
    session's token. Raise `NotFound`."""
    assert actor.customer_id, "a patient"
    _, others = await customers_service.find_linked_customers(tx, actor.customer_id, linked)
    if customer_id not in [other.id for other in others]:
        raise errors.NotFound
    await sessions_repository.end_by_token(tx, token_hash=hash_token(current_token))
    token, _ = await sessions.open_session(
        tx,
        actor,
        user_id=None,
        customer_id=customer_id,
        lifetime=lifetime,
        proven_at=actor.proven_at,  # choosing a different person proves nothing
        now=now,
    )
    await audit.record(
        tx,
        actor,
        clinic_id=PLATFORM,
        subjects=[customer_id],
        also_at=await _correctors(tx, [customer_id], now=now),
    )
    return token
