"""Whole numbers in bodies and queries, as JSON and JSON Schema define them."""

import pytest

from support.app import ADMIN
from support.world import create_clinic


@pytest.mark.parametrize("number", ["30", "30.0", "3e1", "300e-1"])
async def test_a_whole_number_can_be_written_as_a_float(client, number):
    await create_clinic(client)
    response = await client.post(
        "/api/clinics/1/appointmentTypes",
        content=f'{{"name": "Check-up", "minutes": {number}}}',
        headers=ADMIN | {"Content-Type": "application/json"},
    )
    assert (response.status_code, response.json()["minutes"]) == (201, 30)


@pytest.mark.parametrize("number", ["30.5", "1e400", "-30.0", "1e30"])
async def test_any_other_float_is_refused(client, number):
    await create_clinic(client)
    refusal = await client.post(
        "/api/clinics/1/appointmentTypes",
        content=f'{{"name": "Check-up", "minutes": {number}}}',
        headers=ADMIN | {"Content-Type": "application/json"},
    )
    assert (refusal.status_code, [fault["pointer"] for fault in refusal.json()["errors"]]) == (400, ["#/minutes"])


async def test_a_float_is_not_accepted_as_text(client):
    refusal = await client.post(
        "/api/clinics",
        content='{"name": 5.0, "timeZone": "Europe/Berlin"}',
        headers=ADMIN | {"Content-Type": "application/json"},
    )
    assert [fault["pointer"] for fault in refusal.json()["errors"]] == ["#/name"]
