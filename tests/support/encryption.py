"""Rows with a value in every encrypted column, and what the columns contain now."""

from typing import Any

from cryptography.fernet import Fernet

from appoint.database.encryption import repository
from appoint.database.pool import Database
from appoint.identity.encryption import decrypt_legacy_totp, legacy_cipher
from appoint.kit.key_ring import EncryptedField
from support.constraint_rows import (
    ABSENCE,
    ANA,
    BOOKED,
    CALL_SETTINGS,
    CANCELLED,
    EMERGENCY,
    MIA,
    RECORDING,
    ROWS,
    WEBHOOK,
)
from support.keys import KEYS
from support.staff import SECRET

PLAINTEXT = {
    "patient.notes": "allergic to marzipan",
    "appointment.notes": "carries a parrot",
    "appointment.cancel_reason": "flight to Lisbon",
    "appointment.override_reason": "hurts badly\nsince Tuesday",
    "appointment_step.override_reason": "begged for it",
    "absence.reason": "knee surgery",
    "app_user.totp_secret": "JBSWY3DPEHPK3PXP",
    "webhook.secret": "a webhook's secret of 32 letters",
    "webhook.old_secret": "the webhook's previous secret....",
}
"""The values that an earlier release stored as plaintext, by column."""
ENCRYPTED_VALUES = {
    "appointment.staff_notes": "prefers mornings",
    "emergency_access.reason": "Collapsed",
    "call_settings.connection": '{"url":"https://meet.example.org","secret":"brass kettle"}',
    "recording.key": "a2V5IG9mIGEgcmVjb3JkaW5n",
}
"""The values in columns that accept only ciphertext."""
VALUES = PLAINTEXT | ENCRYPTED_VALUES
decrypt = decrypt_legacy_totp(SECRET)


async def add_plaintext(db: Database) -> None:
    """Add the rows as an earlier release would have stored them, and values in the columns that it did not have."""
    async with db.connection() as connection:
        await connection.execute(ROWS)
    statements = (
        ("update patient set notes = $1 where customer_id = $2", "patient.notes", ANA),
        ("update appointment set notes = $1 where id = $2", "appointment.notes", BOOKED),
        (
            "update appointment set overridden = '{too-late}', override_reason = $1 where id = $2",
            "appointment.override_reason",
            BOOKED,
        ),
        ("update appointment set cancel_reason = $1 where id = $2", "appointment.cancel_reason", CANCELLED),
        (
            "update appointment_step set override_reason = $1 where appointment_id = $2",
            "appointment_step.override_reason",
            BOOKED,
        ),
        ("update absence set reason = $1 where id = $2", "absence.reason", ABSENCE),
    )
    for statement, column, id in statements:
        await db.execute(statement, PLAINTEXT[column], id)
    await _add_encrypted(db)
    await db.execute(
        "update app_user set totp_secret = $1 where id = $2",
        legacy_totp(PLAINTEXT["app_user.totp_secret"], MIA),
        MIA,
    )
    await db.execute(
        "update webhook set secret = $1, old_secret = $2, old_secret_until = now() where id = $3",
        PLAINTEXT["webhook.secret"].encode(),
        PLAINTEXT["webhook.old_secret"].encode(),
        WEBHOOK,
    )


async def _add_encrypted(db: Database) -> None:
    statements = (
        ("update appointment set staff_notes = $1 where id = $2", EncryptedField.STAFF_NOTES, BOOKED),
        ("update emergency_access set reason = $1 where id = $2", EncryptedField.EMERGENCY_REASON, EMERGENCY),
        (
            "update call_settings set gateway = 'jitsi', connection = $1 where id = $2",
            EncryptedField.CALL_CONNECTION,
            CALL_SETTINGS,
        ),
        (
            "update recording set state = 'copied', key = $1, bytes = 1, sha256 = sha256('') where id = $2",
            EncryptedField.RECORDING_KEY,
            RECORDING,
        ),
    )
    for statement, place, id in statements:
        await db.execute(statement, KEYS.encrypt(ENCRYPTED_VALUES[place], place, id), id)


def revealed(row: Any, **places: EncryptedField) -> tuple[Any, ...]:
    """Return the row's values, decrypting those in the named columns. The row's `id`, to which the values are bound, is
    left out, and so is the `patient` to which patients' notes are bound.
    """
    return tuple(
        KEYS.decrypt(value, places[name], row["patient" if places[name] == EncryptedField.PATIENT_NOTES else "id"])
        if name in places
        else value
        for name, value in row.items()
        if name not in ("id", "patient")
    )


def legacy_totp(totp_secret: str, user_id: object) -> bytes:
    """Encrypt an authenticator's secret as earlier releases did."""
    cipher: Fernet = legacy_cipher(SECRET, f"totp {user_id}")
    return cipher.encrypt(totp_secret.encode())


async def values(db: Database, *, keys: Any = None) -> dict[str, list[str]]:
    """Return all decrypted values, by column."""
    keys = keys or db.keys
    found: dict[str, list[str]] = {}
    for column in repository.COLUMNS:
        rows = await db.fetch(column.find, -1, "00000000-0000-0000-0000-000000000000", "^$", 100_000)
        found[column.name] = []
        for row in rows:
            place = f"{row.clinic_id}/{row.id}" if column.name == "patient.notes" else str(row.id)
            found[column.name].append(
                keys.decrypt_bytes(bytes.fromhex(row.value), column.place, place).decode("latin-1")
                if column.is_binary
                else keys.decrypt(row.value, column.place, place)
            )
    return found


async def stored(db: Database) -> str:
    """Return everything that the tables with encrypted columns contain, as text."""
    tables = sorted({column.name.partition(".")[0] for column in repository.COLUMNS})
    return "\n".join(
        [str(row.text) for table in tables for row in await db.fetch(f"select t::text as text from {table} t")]
    )
