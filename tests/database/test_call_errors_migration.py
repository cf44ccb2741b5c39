"""Migration 0064 turns the reasons why rooms could not be made into codes."""

import asyncpg

from appoint.database import migrate
from support.database import create_empty, drop

CODES = {
    "the provider does not accept the key": "key-refused",
    "the provider cannot be reached": "unreachable",
    "the provider did not respond in time": "timeout",
    "the provider is receiving too many requests": "too-many-requests",
    "the app ID or the secret is missing": "incomplete-settings",
    "the doctor has no link": "no-link",
    "video visits are not set up": "not-set-up",
    "the connection cannot be decrypted": "unreadable-settings",
    "internal error; see the log": "internal-error",
    "the provider responded with 500": "error-response",
    None: None,
}


async def test_reasons_become_codes(server_url, worker_id):
    url = await create_empty(server_url, f"call_errors_{worker_id}")
    connection = await asyncpg.connect(url)
    await connection.execute(migrate.BOOKKEEPING)
    for migration in migrate.migrations():
        if migration.revision == "0064":
            await connection.execute("alter table call drop constraint call_appointment")
            await connection.executemany(
                """
                insert into call (clinic_id, id, appointment_id, sequence, gateway, state, during, error)
                select 1, mint_id(1), mint_id(1), $1, 'demo', 'dead', '[2027-03-01 09:00Z, 2027-03-01 10:00Z)', $2
                """,
                list(enumerate(CODES)),
            )
        if migration.revision <= "0064":
            await connection.execute(migration.sql)
    rows = await connection.fetch("select error from call order by sequence")
    await connection.close()
    await drop(url)
    assert [row["error"] for row in rows] == list(CODES.values())
