"""Refusals don't reveal a customer's other appointments to callers who have only a manage link."""

from datetime import datetime, timedelta

import pytest

from support.app import ADMIN
from support.manage_links import START, book, create_visit, page_path, times_at, token_headers
from support.staff import type_of
from support.world import create_customer, create_doctor, publish_slot


@pytest.fixture
async def visit(db, client):
    return await create_visit(db, client)


@pytest.fixture
async def link(client, visit):
    """The manage link for an appointment with Dr Shah at `START`."""
    return token_headers(await book(client, visit))


@pytest.fixture
async def secret_visit(db, client, visit):
    """The same patient's appointment with another doctor, two hours later. The link's holder doesn't know about it."""
    other = await create_doctor(client, name="Dr Roth")
    await publish_slot(db, other, START, START + timedelta(hours=6))
    return await book(client, visit | {"doctorId": other}, 2)


def starts(refusal) -> list[str]:
    return [alternative["startTime"] for alternative in refusal.json()["alternatives"]]


async def attempt(client, visit, hours, headers, **members):
    body = {**visit, **times_at(hours), "customerToken": None, **members}
    return await client.post("/api/appointments", json=body, headers=headers)


async def test_to_a_link_holder_a_busy_patient_looks_like_a_taken_time(client, visit, link, secret_visit):
    refusal = await attempt(client, visit, 2, link)
    assert type_of(refusal) == (409, "taken")
    await book(client, visit | {"customerId": await create_customer(client)}, 2)  # now the time is taken
    assert {**(await attempt(client, visit, 2, link)).json(), "requestId": ""} == {**refusal.json(), "requestId": ""}


async def test_alternatives_include_times_of_the_patients_other_appointments(client, visit, link, secret_visit):
    await book(client, visit | {"customerId": await create_customer(client)}, 1.5)
    refusal = await attempt(client, visit, 1.5, link)
    two_hours_later = datetime.fromisoformat(times_at(2)["startTime"])
    assert type_of(refusal) == (409, "taken")
    assert two_hours_later in [datetime.fromisoformat(start) for start in starts(refusal)]


async def test_the_order_of_reasons_does_not_reveal_a_busy_patient(db, client, visit, link, secret_visit):
    third = await create_doctor(client, name="Dr Weiss")
    refusal = await attempt(client, visit, 2, link, doctorId=third)
    assert type_of(refusal) == (409, "outside-hours")
    moved = await client.put(f"/api/appointments/{secret_visit['id']}", json=times_at(2.5), headers=ADMIN)
    assert moved.status_code == 200
    assert {**(await attempt(client, visit, 2, link, doctorId=third)).json(), "requestId": ""} == {
        **refusal.json(),
        "requestId": "",
    }


async def test_moving_by_link_does_not_reveal_a_busy_patient(client, visit, link, secret_visit):
    own = (await client.get("/api/clinics/1/appointments", headers=ADMIN)).json()["items"][0]
    path = f"/api/appointments/{own['id']}"
    assert type_of(await client.put(path, json=times_at(2), headers=link)) == (409, "taken")
    page = await client.post(
        page_path({"manageToken": link["Authorization"].removeprefix("Bearer ")}, "/move"),
        data={"start": times_at(2)["startTime"], "version": '"v1"'},
    )
    assert (page.status_code, "other appointment" in page.text) == (409, False)
    assert type_of(await client.put(path, json=times_at(2), headers=ADMIN)) == (409, "customer-busy")


@pytest.mark.parametrize("hold", [False, True], ids=["appointments", "holds"])
async def test_to_a_link_holder_a_limit_looks_like_a_taken_time(db, client, visit, link, hold):
    for number in range(3 if hold else 19):
        await client.post(
            "/api/appointments",
            json={**visit, **_tenth(number), "hold": hold},
            headers=ADMIN,
        )
    refusal = await attempt(client, visit, 5, link, hold=hold)
    assert type_of(refusal) == (409, "taken")
    assert times_at(5)["startTime"] not in starts(refusal)


def _tenth(number: int) -> dict[str, str]:
    start = START + timedelta(minutes=30 + 10 * number)
    return {"startTime": start.isoformat(), "endTime": (start + timedelta(minutes=10)).isoformat()}
