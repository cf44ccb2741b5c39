"""JSON merge patches (RFC 7396): nested members and null."""

import pytest

from support.app import ADMIN
from support.world import create_appointment_type, create_clinic

PRICE = {"amount": 4500, "currency": "EUR"}


async def patch(client, path: str, body):
    return await client.patch(f"/api/{path}", json=body, headers=ADMIN)


async def test_one_member_of_a_price_can_be_changed(client):
    await create_clinic(client)
    type_id = await create_appointment_type(client, price=PRICE)
    response = await patch(client, f"appointmentTypes/{type_id}", {"price": {"amount": 5000}})
    assert (response.status_code, response.json()["price"]) == (200, {"amount": 5000, "currency": "EUR"})


async def test_a_type_without_a_price_needs_both_members(client):
    await create_clinic(client)
    type_id = await create_appointment_type(client)
    refusal = await patch(client, f"appointmentTypes/{type_id}", {"price": {"amount": 5000}})
    assert (refusal.status_code, [fault["pointer"] for fault in refusal.json()["errors"]]) == (
        400,
        ["#/price/currency"],
    )
    assert (await patch(client, f"appointmentTypes/{type_id}", {"price": PRICE})).json()["price"] == PRICE


async def test_null_resets_members_of_a_type(client):
    await create_clinic(client)
    type_id = await create_appointment_type(client, price=PRICE, bufferAfterMinutes=10, mode="online")
    body = {"price": None, "bufferAfterMinutes": None, "mode": None}
    changed = (await patch(client, f"appointmentTypes/{type_id}", body)).json()
    assert (changed["price"], changed["bufferAfterMinutes"], changed["mode"]) == (None, 0, "inPerson")


@pytest.mark.parametrize("body", [{"policy": {"horizonDays": None}}, {"policy": None}])
async def test_null_resets_a_clinics_policy(client, body):
    await create_clinic(client, policy={"horizonDays": 7})
    assert (await patch(client, "clinics/1", body)).json()["policy"]["horizonDays"] == 56


async def test_null_resets_one_rule_and_leaves_the_others(client):
    await create_clinic(client, policy={"horizonDays": 7, "slotStepMinutes": 20})
    policy = (await patch(client, "clinics/1", {"policy": {"horizonDays": None}})).json()["policy"]
    assert (policy["horizonDays"], policy["slotStepMinutes"]) == (56, 20)


async def test_null_resets_other_members_of_a_clinic(client):
    await create_clinic(client, currency="CHF", locale="de", notifications={"reminderMinutes": [60]})
    changed = (await patch(client, "clinics/1", {"currency": None, "locale": None, "notifications": None})).json()
    assert (changed["currency"], changed["locale"], changed["notifications"]["reminderMinutes"]) == (
        "EUR",
        "en",
        [1440, 120],
    )


async def test_null_still_turns_the_agenda_off(client):
    await create_clinic(client)
    changed = (await patch(client, "clinics/1", {"notifications": {"agendaTime": None}})).json()
    assert changed["notifications"]["agendaTime"] is None


async def test_a_required_member_cannot_be_removed(client):
    await create_clinic(client)
    refusal = await patch(client, "clinics/1", {"name": None})
    assert (refusal.status_code, refusal.json()["errors"][0]["pointer"]) == (400, "#/name")


async def test_an_error_in_a_nested_member_points_to_that_member(client):
    await create_clinic(client, notifications={"quietFrom": "21:00", "quietUntil": "07:00"})
    refusal = await patch(client, "clinics/1", {"notifications": {"quietFrom": None}})
    assert [fault["pointer"] for fault in refusal.json()["errors"]] == ["#/notifications/quietFrom"]
