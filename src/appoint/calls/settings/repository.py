"""SQL for clinics' call settings. The connection is encrypted."""

from uuid import UUID

import msgspec

from ...database.pool import Row, Statements, affected
from ...kit.ids import new_id
from ...kit.key_ring import UNREADABLE, EncryptedField, UnreadableError
from ..providers.model import Connection, FormerConnection, Gateway, GatewayChoice
from .model import DEFAULT_RECORDING_DAYS, RecordingPolicy, StoredSettings


async def find(db: Statements, clinic_id: int) -> StoredSettings | None:
    row = await db.fetchrow("select * from call_settings where clinic_id = $1", clinic_id)
    return _stored(db, row) if row else None


async def find_connection(db: Statements, clinic_id: int, gateway: Gateway) -> Connection | None:
    """Return how to reach a provider that the clinic uses, or used before. Return None for any other one, so that no
    provider gets another's secret. Doctors' own links work with any provider. Raise `UnreadableError` if the connection
    cannot be decrypted."""
    stored = await find(db, clinic_id)
    if stored is None or stored.connection is None or stored.gateway == gateway:
        return stored and stored.connection
    if gateway == "link":
        return Connection(url="", doctor_links=stored.connection.doctor_links)
    former = stored.connection.former
    return former.connection if former and former.gateway == gateway else None


async def list_clinics(db: Statements) -> list[int]:
    """Return all clinics that use a provider."""
    rows = await db.fetch("select clinic_id from call_settings where connection is not null order by clinic_id")
    return [row.clinic_id for row in rows]


async def delete_former(tx: Statements, clinic_id: int, former: FormerConnection) -> bool:
    """Delete the connection to the clinic's former provider, unless a call or recording there still needs it. Return
    whether it was deleted."""
    row = await tx.fetchrow("select * from call_settings where clinic_id = $1 for no key update", clinic_id)
    stored = row and _stored(tx, row)
    if not stored or not stored.connection or stored.connection.former != former:
        return False
    tag = await tx.execute(
        """
        update call_settings s
           set connection = $2, version = version + 1, updated_at = now()
         where clinic_id = $1
           and not exists (select from call c
                            where c.clinic_id = $1 and c.gateway = $3 and c.state in ('open', 'ending'))
           and not exists (select from recording r
                            where r.clinic_id = $1 and r.gateway = $3 and r.state <> 'stored')
        """,
        clinic_id,
        _encrypted(tx, stored.id, msgspec.structs.replace(stored.connection, former=None)),
        former.gateway,
    )
    return affected(tag) == 1


async def save(
    tx: Statements,
    *,
    clinic_id: int,
    gateway: GatewayChoice,
    connection: Connection | None,
    opens_before_minutes: int,
    phone: str | None,
    recording: RecordingPolicy = "forbidden",
    recording_days: int = DEFAULT_RECORDING_DAYS,
) -> None:
    """Store the clinic's settings in place of the previous ones."""
    id = await tx.fetchval("select id from call_settings where clinic_id = $1 for no key update", clinic_id)
    id = id or new_id(clinic_id)
    await tx.execute(
        """
        insert into call_settings (clinic_id, id, gateway, connection, opens_before_minutes, phone, recording,
                                   recording_days)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        on conflict (clinic_id, id) do update
           set gateway = excluded.gateway, connection = excluded.connection,
               opens_before_minutes = excluded.opens_before_minutes, phone = excluded.phone,
               recording = excluded.recording, recording_days = excluded.recording_days,
               version = call_settings.version + 1, updated_at = excluded.updated_at
        """,
        clinic_id,
        id,
        gateway,
        _encrypted(tx, id, connection),
        opens_before_minutes,
        phone,
        recording,
        recording_days,
    )


async def delete(tx: Statements, clinic_id: int) -> None:
    await tx.execute("delete from call_settings where clinic_id = $1", clinic_id)


def _encrypted(db: Statements, id: UUID, connection: Connection | None) -> str | None:
    return connection and db.keys.encrypt(msgspec.json.encode(connection).decode(), EncryptedField.CALL_CONNECTION, id)


def _stored(db: Statements, row: Row) -> StoredSettings:
    text = db.keys.decrypt(row.connection, EncryptedField.CALL_CONNECTION, row.id)
    if text == UNREADABLE:
        raise UnreadableError("call settings")
    connection = msgspec.json.decode(text, type=Connection) if text else None
    return StoredSettings(
        row.id,
        row.version,
        row.created_at,
        row.updated_at,
        row.gateway,
        connection,
        row.opens_before_minutes,
        row.phone,
        row.recording,
        row.recording_days,
    )
