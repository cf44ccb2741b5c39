"""Searching and listing customers."""

import pytest

from appoint.customers import service
from support.app import ADMIN
from support.world import create_customer

ANA = {"name": "Ana Lima"}


async def search_names(client, q, **params):
    response = await client.get("/api/customers", params={"q": q, **params}, headers=ADMIN)
    return [item["name"] for item in response.json()["items"]]


async def test_customers_are_found_by_name_email_or_phone(client):
    await client.post("/api/customers", json=ANA | {"phone": "+49 30 12345678"})
    await client.post("/api/customers", json={"name": "Ana Souza", "email": "souza@example.org"})
    await client.post("/api/customers", json={"name": "Дмитрий 100%_\\"})
    await client.post("/api/customers", json={"name": "王伟"})
    for q, names in [
        ("ana", ["Ana Lima", "Ana Souza"]),
        ("LIMA", ["Ana Lima"]),
        ("an", ["Ana Lima", "Ana Souza"]),
        (" lima ", ["Ana Lima"]),
        ("souza@example", ["Ana Souza"]),
        ("+49 30 1234", ["Ana Lima"]),
        ("030 1234", ["Ana Lima"]),
        ("дмит", ["Дмитрий 100%_\\"]),
        ("王", ["王伟"]),
        ("0%", ["Дмитрий 100%_\\"]),
        ("%_\\", ["Дмитрий 100%_\\"]),
        ("%", ["Дмитрий 100%_\\"]),
        ("a_a", []),
        ("ana%", []),
        ("nobody", []),
    ]:
        assert await search_names(client, q) == names, q


async def test_an_empty_search_lists_all_customers(client):
    await create_customer(client)
    assert len(await search_names(client, " ")) == 1


async def test_a_search_uses_the_word_index(client, db):
    """Every search uses this plan once there are more customers than a scan should read."""
    await db.execute("insert into customer (name) select md5(n::text) from generate_series(1, 5000) as n")
    await db.execute("analyze customer")
    plan: list[str] = []

    class Planner:
        async def fetch(self, sql, *args):
            async with db.connection() as connection:
                await connection.execute("set enable_seqscan = off; set enable_indexscan = off")
                await connection.execute(f"prepare search (text, text[], uuid, integer) as {sql}")
                plan.extend(
                    row[0]
                    for row in await connection.fetch(
                        "explain execute search ('%ana%', '{%ana%,%lima%}', '00000000-0000-0000-0000-000000000000', 50)"
                    )
                )
            return []

    await service.search(Planner(), q="ana", after=None, limit=50)
    assert any("Bitmap Index Scan on customer_words" in line for line in plan), "\n".join(plan)


async def test_a_search_ignores_word_order_and_accents(client):
    for name in ("Hannah Kaya", "Zoë Müller"):
        await create_customer(client, name=name)
    for q, names in [
        ("Kaya, Hannah", ["Hannah Kaya"]),
        ("ka ha", ["Hannah Kaya"]),
        ("mueller zoe", ["Zoë Müller"]),
        ("Kaya Zoë", []),
    ]:
        assert await search_names(client, q) == names, q


@pytest.mark.parametrize("q", [None, "ana"])
async def test_list_pages_stay_stable_under_inserts(client, q):
    filters = {"limit": 2} | ({"q": q} if q else {})
    first = [await create_customer(client, name=f"Ana {n}") for n in range(3)]
    page = (await client.get("/api/customers", params=filters, headers=ADMIN)).json()
    added = await create_customer(client)
    rest = (await client.get("/api/customers", params=filters | {"cursor": page["next"]}, headers=ADMIN)).json()
    assert [item["id"] for item in page["items"] + rest["items"]] == [*first, added]


async def test_a_cursor_from_another_search_is_refused(client):
    await create_customer(client)
    await create_customer(client)
    cursor = (await client.get("/api/customers", params={"q": "ana", "limit": 1}, headers=ADMIN)).json()["next"]
    for other in ({"q": "lima"}, {}):
        assert (
            await client.get("/api/customers", params={**other, "limit": 1, "cursor": cursor}, headers=ADMIN)
        ).status_code == 400


async def test_an_invalid_query_is_refused(client):
    for query in [
        "limit=0",
        "limit=1000000000",
        "cursor=forged",
        "name=Ana",
        "q=%00",
        "q=%ff",
        f"q={'x' * 201}",
        "q=a&q=b",
    ]:
        assert (await client.get(f"/api/customers?{query}", headers=ADMIN)).status_code == 400, query
