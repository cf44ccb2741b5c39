"""Using the public booking form while signed in: for oneself, people with the same address, and someone else."""

import re

import pytest

from support.booking_pages import DAY, Form, form_of, sign_in_as_ana
from support.world import create_customer


async def open_details(client, type_id: str):
    return await client.get("/c/lakeside/details", params={"type": type_id, "start": DAY.isoformat()})


async def open_signed_in_form(client, type_id: str) -> Form:
    return form_of(await open_details(client, type_id))


async def test_a_signed_in_patient_types_nothing_and_books_for_themselves(client, db, lakeside):
    ana = await create_customer(client, name="Ana Souza", email="ana@example.org")
    await sign_in_as_ana(client)
    address, hidden = await open_signed_in_form(client, lakeside)
    assert (await client.post(address, data=hidden | {"csrf": ""})).status_code == 403
    assert (await client.post(address, data=hidden)).status_code == 303
    assert str(await db.fetchval("select customer_id from appointment")) == ana


@pytest.mark.parametrize("attempts", [1, 2])
async def test_a_signed_in_patient_books_for_a_person_with_the_same_address(client, db, lakeside, attempts):
    ana = await create_customer(client, name="Ana Souza", email="ana@example.org")
    ben = await create_customer(client, name="Ben Souza", email="ana@example.org")
    await create_customer(client, name="ana souza", email="ana@example.org")
    await sign_in_as_ana(client)
    page = await open_details(client, lakeside)
    assert re.findall(r'name="person" value="([^"]+)"', page.text) == [ana, ben, "other"]
    address, hidden = form_of(page)
    for _ in range(attempts):
        assert (await client.post(address, data=hidden | {"person": ben})).status_code == 303
    rows = await db.fetch("select customer_id::text, booker_id::text from appointment")
    assert [tuple(row) for row in rows] == [(ben, ana)]


async def test_a_signed_in_patient_books_for_someone_else(client, db, lakeside):
    ana = await create_customer(client, name="Ana Souza", email="ana@example.org")
    await sign_in_as_ana(client)
    address, hidden = await open_signed_in_form(client, lakeside)
    fields = hidden | {"person": "other", "email": "ana@example.org"}
    response = await client.post(address, data=fields | {"name": ""})
    assert response.status_code == 400
    assert 'id="other" checked' in response.text
    assert "aria-invalid" in response.text
    assert (await client.post(address, data=fields | {"name": "Uma"})).status_code == 303
    row = await db.fetchrow("select name, booker_id from appointment a join customer c on c.id = a.customer_id")
    assert (row["name"], str(row["booker_id"])) == ("Uma", ana)


async def test_a_signed_in_patient_cannot_book_for_a_stranger(client, db, lakeside):
    await create_customer(client, name="Ana Souza", email="ana@example.org")
    cleo = await create_customer(client, name="Cleo", email="cleo@example.org")
    await sign_in_as_ana(client)
    address, hidden = await open_signed_in_form(client, lakeside)
    assert (await client.post(address, data=hidden | {"person": cleo})).status_code == 400
    assert await db.fetchval("select count(*) from appointment") == 0
