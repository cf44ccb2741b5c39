"""Let users register passkeys, and check that a passkey is used by its owner."""

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from msgspec import UNSET

from ... import audit
from ...database.pool import Statements, Transaction
from ...kit import errors
from ...kit.actors import Actor
from ...kit.i18n import translatable
from ...kit.ids import PLATFORM
from ...messaging.notifications.service import notify_user
from ..accounts import repository as accounts
from ..second_factors import service as second_factors
from . import challenges, repository, verification
from .challenges import Purpose, decode, encode
from .model import (
    ALGORITHMS,
    CHALLENGE_TTL,
    MAX_PASSKEYS,
    CreationOptions,
    CredentialDescriptor,
    CredentialParameters,
    NewPasskey,
    Passkey,
    PasskeyCreation,
    PasskeyPatch,
    PasskeyProof,
    PasskeyRefused,
    PasskeyRequest,
    RelyingParty,
    RelyingPartyEntity,
    RequestOptions,
    StoredPasskey,
    UserEntity,
)

NAME: Final = "Appoint"
"""What authenticators show next to the user's name."""
TIMEOUT: Final = int(CHALLENGE_TTL.total_seconds()) * 1000
NOT_VERIFIED: Final = translatable("could not be verified; please try again")


async def begin_registration(db: Statements, actor: Actor, *, party: RelyingParty, now: datetime) -> PasskeyCreation:
    """Return the options for creating a passkey. Raise `Forbidden` for callers who are not users."""
    user = await accounts.find_user(db, actor.user_id) if actor.user_id else None
    if user is None:
        raise errors.Forbidden
    challenge, token = challenges.issue(party.secret, "register", holder_of(actor), now)
    return PasskeyCreation(
        CreationOptions(
            rp=RelyingPartyEntity(party.id, NAME),
            user=UserEntity(encode(user.id.bytes), user.email, user.name),
            challenge=encode(challenge),
            pub_key_cred_params=[CredentialParameters(algorithm) for algorithm in ALGORITHMS],
            timeout=TIMEOUT,
            exclude_credentials=[
                CredentialDescriptor(encode(id)) for id in await repository.list_credential_ids(db, user.id)
            ],
        ),
        token,
    )


async def register(
    tx: Transaction, actor: Actor, *, content: NewPasskey, party: RelyingParty, now: datetime
) -> Passkey:
    """Add a passkey to the caller's account. Setting up an account's first second factor ends all other sessions.

    Raise `Forbidden` for callers who are not users, `Invalid` if the passkey was not created for the caller's
    challenge, or `Conflict`: `passkey-exists`, `too-many-passkeys`.
    """
    user = await accounts.lock(tx, actor.user_id) if actor.user_id else None
    if user is None:
        raise errors.Forbidden
    if len(await repository.list_credential_ids(tx, user.id)) >= MAX_PASSKEYS:
        raise errors.Conflict("too-many-passkeys", most=MAX_PASSKEYS)
    challenge = challenges.read(party.secret, "register", holder_of(actor), content.challenge_token, now)
    if challenge is None or not await repository.claim_challenge(tx, challenge.digest, expires_at=challenge.expires_at):
        raise errors.Invalid(errors.Fault("#/challengeToken", NOT_VERIFIED))
    try:
        created = verification.verify_creation(party, challenge.value, content.credential)
    except ValueError as error:
        raise errors.Invalid(errors.Fault("#/credential", NOT_VERIFIED)) from error
    had_factor = await second_factors.has_any(tx, user)
    passkey = await repository.add(
        tx,
        user_id=user.id,
        name=content.name,
        credential_id=created.credential_id,
        public_key=created.public_key,
        sign_count=created.sign_count,
        synced=created.synced,
        now=now,
    )
    if passkey is None:
        raise errors.Conflict("passkey-exists")
    codes = await second_factors.record_set_up(tx, actor, user_id=user.id, is_first=not had_factor, now=now)
    await notify_user(tx, kind="passkey-added", user_id=user.id, clinic_id=PLATFORM, now=now)
    await audit.record(tx, actor, clinic_id=PLATFORM, subjects=[passkey.id])
    return msgspec.structs.replace(passkey, recovery_codes=codes or UNSET)


def holder_of(actor: Actor) -> str:
    """Return the holder of a signed-in caller's challenges: their session."""
    return str(actor.session_id or actor.key)


async def list_own(db: Statements, actor: Actor) -> list[Passkey]:
    """Return the caller's passkeys, oldest first; none for callers who are not users."""
    return await repository.list_for_user(db, actor.user_id) if actor.user_id else []


async def get(db: Statements, actor: Actor, passkey_id: UUID) -> Passkey:
    """Return one of the caller's passkeys. Raise `NotFound`."""
    passkey = await repository.find(db, actor.user_id, passkey_id) if actor.user_id else None
    if passkey is None:
        raise errors.NotFound
    return passkey


async def change(tx: Transaction, actor: Actor, *, passkey_id: UUID, patch: PasskeyPatch) -> Passkey:
    """Rename one of the caller's passkeys. Raise `NotFound`."""
    passkey = await get(tx, actor, passkey_id)
    if actor.user_id and patch.name is not UNSET:
        await repository.rename(tx, actor.user_id, passkey.id, name=patch.name)
    await audit.record(tx, actor, clinic_id=PLATFORM, subjects=[passkey_id])
    return await get(tx, actor, passkey_id)


async def remove(tx: Transaction, actor: Actor, *, passkey_id: UUID, now: datetime) -> None:
    """Remove one of the caller's passkeys. Raise `NotFound`."""
    user = await accounts.lock(tx, actor.user_id) if actor.user_id else None
    if user is None:
        raise errors.Forbidden
    await get(tx, actor, passkey_id)
    await repository.remove(tx, user.id, passkey_id)
    await notify_user(tx, kind="passkey-removed", user_id=user.id, clinic_id=PLATFORM, now=now)
    await second_factors.record_removal(tx, user_id=user.id, now=now)
    await audit.record(tx, actor, clinic_id=PLATFORM, subjects=[passkey_id])


def begin_use(party: RelyingParty, purpose: Purpose, holder: str, *, now: datetime) -> PasskeyRequest:
    """Return the options for using a passkey. `holder` is the session or the browser that may use the challenge."""
    challenge, token = challenges.issue(party.secret, purpose, holder, now)
    return PasskeyRequest(
        RequestOptions(challenge=encode(challenge), timeout=TIMEOUT, rp_id=party.id, allow_credentials=[]), token
    )


async def check_use(
    tx: Transaction, proof: PasskeyProof, *, party: RelyingParty, purpose: Purpose, holder: str, now: datetime
) -> StoredPasskey:
    """Return the passkey that signed the challenge, and record that it was used. Raise `PasskeyRefused` if it is not
    registered, if its user was not verified, or if the challenge is invalid or has already been used."""
    challenge = challenges.read(party.secret, purpose, holder, proof.challenge_token, now)
    if challenge is None:
        raise PasskeyRefused("expired-challenge")
    try:
        credential_id = decode(proof.credential.id)
    except ValueError as error:
        raise PasskeyRefused("unknown-passkey") from error
    passkey = await repository.find_by_credential(tx, credential_id)
    if passkey is None:
        raise PasskeyRefused("unknown-passkey")
    try:
        use = verification.verify_use(party, challenge.value, passkey, proof.credential)
    except ValueError as error:
        raise PasskeyRefused("wrong-passkey", passkey.user_id) from error
    if not await repository.claim_challenge(tx, challenge.digest, expires_at=challenge.expires_at):
        raise PasskeyRefused("used-challenge", passkey.user_id)
    if not await repository.record_use(tx, passkey.id, sign_count=use.sign_count, synced=use.synced, now=now):
        raise PasskeyRefused("copied-passkey", passkey.user_id)
    return passkey
