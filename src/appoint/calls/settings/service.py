"""Read, replace and try out a clinic's call settings."""

import asyncio
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from ... import audit
from ...clinics.appointment_types import service as appointment_types
from ...clinics.clinics import service as clinics
from ...clinics.doctors import service as doctors
from ...database.pool import Database, Statements, Transaction
from ...http.etags import digest
from ...kit import errors, phones
from ...kit.actors import Actor
from ...kit.i18n import translatable, translate
from ...kit.ids import new_id
from ...kit.key_ring import UnreadableError
from ..providers.failures import SENTENCES, FailureCode, ProviderFailure
from ..providers.gateway import Providers
from ..providers.model import (
    CLOSES_AFTER,
    Connection,
    FormerConnection,
    Gateway,
    GatewayChoice,
    Person,
    Room,
    person_id,
    room_name,
)
from ..rooms import repository as rooms
from . import repository
from .model import (
    DEFAULT_OPENING_MINUTES,
    DEFAULT_RECORDING_DAYS,
    REVISITABLE,
    CallSettings,
    CallSettingsContent,
    CallTrial,
    DoctorLink,
    StoredSettings,
)
from .secrets import WITH_SECRET

TRIAL_SECONDS: Final = 10.0
TRIAL_TTL: Final = timedelta(minutes=5)


async def get(db: Statements, clinic_id: int, *, default_gateway: Gateway | None) -> CallSettings:
    """Return the clinic's settings, without the secret. Raise `NotFound` for an unknown clinic."""
    await clinics.get(db, clinic_id)
    stored = await _find(db, clinic_id)
    connection = (stored and stored.connection) or Connection(url="")
    return CallSettings(
        gateway=stored.gateway if stored else default_gateway,
        url=connection.url or None,
        app_id=connection.app_id or None,
        key_id=connection.key_id or None,
        has_secret=bool(connection.secret),
        doctor_links=[DoctorLink(doctor_id=id, url=url) for id, url in connection.doctor_links.items()],
        opens_before_minutes=stored.opens_before_minutes if stored else DEFAULT_OPENING_MINUTES,
        phone=stored.phone if stored else None,
        recording=stored.recording if stored else "forbidden",
        recording_days=stored.recording_days if stored else DEFAULT_RECORDING_DAYS,
        has_webhook_secret=bool(connection.webhook_secret),
        former_gateway=connection.former and connection.former.gateway,
    )


async def replace(
    tx: Transaction,
    actor: Actor,
    *,
    clinic_id: int,
    content: CallSettingsContent,
    if_match: str | None,
    default_gateway: Gateway | None,
    now: datetime,
) -> CallSettings:
    """Replace the clinic's settings. If the provider changes, upcoming video visits get rooms there.

    Raise `NotFound`, `VersionMismatch`, or `Invalid`, for example if the secret is too short. Raise a
    `types-still-online` `Conflict` if the clinic is to have no video visits, but still offers them.
    """
    version = digest(await get(tx, clinic_id, default_gateway=default_gateway))
    await clinics.check_version(tx, clinic_id, if_match=if_match, version=version)
    stored = await _find(tx, clinic_id)
    gateway = content.gateway
    faults = content.list_faults(stored)
    if gateway == "demo" and default_gateway != "demo":
        faults.append(errors.Fault("#/gateway", translatable("is only available in development")))
    if faults:
        raise errors.Invalid(*faults)
    connection = None if gateway in (None, "off", "demo") else await _connection(tx, clinic_id, content, stored)
    if gateway is None:
        await repository.delete(tx, clinic_id)
    else:
        await repository.save(
            tx,
            clinic_id=clinic_id,
            gateway=gateway,
            connection=connection,
            opens_before_minutes=content.opens_before_minutes,
            phone=await _phone(tx, clinic_id, content.phone),
            recording=content.recording,
            recording_days=content.recording_days,
        )
    if gateway == "off":
        await _check_types(tx, clinic_id)
    old, new = stored.gateway if stored else default_gateway, gateway or default_gateway
    if (old, stored and stored.connection) != (new, connection):
        await rooms.switch_gateway(tx, clinic_id=clinic_id, gateway=None if new == "off" else new, now=now)
    places = await rooms.list_current_online(tx, clinic_id=clinic_id, now=now)
    await rooms.reconcile(tx, places, default_gateway=default_gateway, now=now)
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[clinic_id])
    return await get(tx, clinic_id, default_gateway=default_gateway)


async def _connection(
    tx: Statements, clinic_id: int, content: CallSettingsContent, stored: StoredSettings | None
) -> Connection:
    """Raise `Invalid` if a link belongs to no doctor at the clinic."""
    links = {link.doctor_id: link.url for link in content.doctor_links if link.url}
    await _check_doctors(tx, clinic_id, content, links)
    secret, webhook_secret = content.secrets_after(stored)
    connection = Connection(
        url=content.url or "",
        app_id=content.app_id or "",
        key_id=content.key_id or "",
        secret=secret if content.gateway in WITH_SECRET else "",
        webhook_secret=webhook_secret,
        doctor_links=links,
    )
    return msgspec.structs.replace(connection, former=_former(stored, content.gateway, connection))


def _former(
    stored: StoredSettings | None, gateway: GatewayChoice | None, connection: Connection
) -> FormerConnection | None:
    """Return the connection to the account that the clinic stops using now, or had already stopped using."""
    if stored is None or stored.connection is None:
        return None
    if (stored.gateway, stored.connection.account) == (gateway, connection.account):
        return stored.connection.former
    if stored.gateway == "off" or stored.gateway not in WITH_SECRET:
        return None
    left = msgspec.structs.replace(stored.connection, doctor_links={}, former=None)
    return FormerConnection(gateway=stored.gateway, connection=left)


async def _check_types(tx: Statements, clinic_id: int) -> None:
    """Raise a `Conflict` while the clinic offers online types. Save the settings first: transactions that
    offer a type wait for that row."""
    names = [type.name for type in await appointment_types.list_types(tx, clinic_id) if type.mode == "online"]
    if names:
        raise errors.Conflict("types-still-online", types=", ".join(names))


async def _check_doctors(tx: Statements, clinic_id: int, content: CallSettingsContent, links: dict[UUID, str]) -> None:
    names = await doctors.names(tx, clinic_id) if links else {}
    faults = [
        errors.Fault(f"#/doctorLinks/{number}/doctorId", "must be the ID of a doctor at this clinic")
        for number, link in enumerate(content.doctor_links)
        if link.url and link.doctor_id not in names
    ]
    if faults:
        raise errors.Invalid(*faults)


async def _phone(tx: Statements, clinic_id: int, text: str | None) -> str | None:
    if text is None:
        return None
    clinic = await clinics.get(tx, clinic_id)
    phone = phones.to_e164(text, time_zone=clinic.time_zone)
    if phone is None:
        raise errors.Invalid(errors.Fault("#/phone", phones.INVALID_PHONE_NUMBER))
    return phone


async def try_out(db: Database, *, clinic_id: int, providers: Providers, language: str, now: datetime) -> CallTrial:
    """Make and end a room, to see whether the settings work. Describe the outcome in the given language. Raise
    `NotFound` for an unknown clinic."""
    settings = await get(db, clinic_id, default_gateway=providers.default_gateway)
    id = new_id(clinic_id)
    doctor_id = settings.doctor_links[0].doctor_id if settings.doctor_links else id
    room = Room(room_name(providers.secret, id), id, doctor_id, now, now + TRIAL_TTL - CLOSES_AFTER)
    person = Person(person_id(providers.secret, id, "trial"), "Appoint", is_host=True)
    if settings.gateway in (None, "off"):
        return _failed_trial("not-set-up", language)
    try:
        gateway = providers.gateway_for(
            settings.gateway, await repository.find_connection(db, clinic_id, settings.gateway)
        )
        async with asyncio.timeout(TRIAL_SECONDS):
            await gateway.make(room)
            address = await gateway.enter(room, person, now=now)
            await gateway.end(room)
    except ProviderFailure as failure:
        return _failed_trial(failure.code, language)
    except TimeoutError:
        return _failed_trial("timeout", language)
    except UnreadableError:
        return _failed_trial("unreadable-settings", language)
    is_open = settings.gateway in REVISITABLE
    return CallTrial(succeeded=True, reason=None, detail=None, address=address if is_open else None)


def _failed_trial(code: FailureCode, language: str) -> CallTrial:
    return CallTrial(succeeded=False, reason=code, detail=translate(language, SENTENCES[code]), address=None)


async def _find(db: Statements, clinic_id: int) -> StoredSettings | None:
    """Return the settings, or None if they cannot be decrypted, so that a manager can replace them."""
    try:
        return await repository.find(db, clinic_id)
    except UnreadableError:
        return None
