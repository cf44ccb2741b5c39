"""Staff, API keys and administrators can be limited to certain networks."""

import pytest

from appoint.kit.allow_lists import is_within, normalized
from support.accounts import USERS, get_status
from support.app import ADMIN, client_of, composed
from support.audit import unsealed
from support.staff import add_user, bearer, type_of, works_at
from support.world import create_clinic

NETWORKS = "/api/clinics/1/staffNetworks"
BOOKINGS = "/api/clinics/1/bookings"
REFUSED = (403, "network-refused")


@pytest.fixture
async def elsewhere(db, database_url, client):
    """A client whose requests come from another network."""
    async with client_of(composed(database_url), address="198.51.100.7") as elsewhere:
        yield elsewhere


async def limit(client, headers, *networks: str):
    return await client.put(NETWORKS, json={"networks": list(networks)}, headers=headers)


async def test_staff_have_access_only_from_their_clinics_networks(db, client, manager, elsewhere):
    await create_clinic(client)
    await works_at(db, await add_user(db, "rita@example.org"), role="receptionist")
    await works_at(db, await db.fetchval("select id from app_user where email like 'rita%'"), 2, "receptionist")
    own = await bearer(elsewhere, "rita@example.org")
    assert await get_status(elsewhere, own, BOOKINGS) == 200
    assert (await limit(client, manager, "127.0.0.0/8")).json() == {"networks": ["127.0.0.0/8"]}
    assert type_of(await elsewhere.get(BOOKINGS, headers=own)) == REFUSED
    assert (await elsewhere.get("/staff/1/day", headers=own)).status_code == 403
    assert await get_status(elsewhere, own, "/api/clinics/2/bookings") == 200  # the other clinic allows any network
    assert await get_status(client, own, BOOKINGS) == 200
    actions = [(entry["clinic_id"], entry["action"], entry["address"]) for entry in await unsealed(db)]
    assert (1, "accessRefused", "198.51.100.7") in actions
    await limit(client, manager)
    assert await get_status(elsewhere, own, BOOKINGS) == 200


async def test_a_manager_cannot_lock_themselves_out(client, manager):
    response = await limit(client, manager, "203.0.113.0/24")
    assert (response.status_code, response.json()["errors"][0]["detail"]) == (
        400,
        "must include your own address, 127.0.0.1",
    )
    assert (await client.get(NETWORKS, headers=manager)).json() == {"networks": []}
    assert (await limit(client, ADMIN, "203.0.113.0/24")).status_code == 200
    assert type_of(await client.get(USERS, headers=manager)) == REFUSED


@pytest.mark.parametrize("network", ["everywhere", "203.0.113.7/24", "203.0.113.0/33", "", "2001:db8::/200"])
async def test_anything_except_a_network_is_refused(client, manager, network):
    response = await limit(client, manager, "127.0.0.1", network)
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (400, "#/networks/1")


async def test_a_key_works_only_from_its_networks(client, manager, elsewhere):
    content = {"name": "Portal", "scopes": ["list-appointments"], "networks": ["198.51.100.7"]}
    key = (await client.post("/api/clinics/1/apiKeys", json=content, headers=manager)).json()
    assert key["networks"] == ["198.51.100.7/32"]
    own = {"Authorization": f"Bearer {key['key']}"}
    assert type_of(await client.get(BOOKINGS, headers=own)) == REFUSED
    assert await get_status(elsewhere, own, BOOKINGS) == 200
    change = {"networks": ["127.0.0.1"]}
    changed = await client.patch(f"/api/apiKeys/{key['id']}", json=change, headers=manager)
    assert changed.json()["networks"] == ["127.0.0.1/32"]
    assert await get_status(client, own, BOOKINGS) == 200
    assert type_of(await elsewhere.get(BOOKINGS, headers=own)) == REFUSED


async def test_administrators_have_access_only_from_their_networks(db, client, database_url):
    await create_clinic(client)
    await add_user(db, "olga@example.org", administrator=True)
    async with client_of(composed(database_url, admin_networks="203.0.113.0/24")) as strict:
        olga = await bearer(strict, "olga@example.org")
        assert type_of(await strict.get("/api/users", headers=ADMIN)) == REFUSED
        assert type_of(await strict.get("/api/users", headers=olga)) == REFUSED
        assert type_of(await strict.get(BOOKINGS, headers=ADMIN)) == REFUSED
        assert await get_status(strict, olga) == 200
    async with client_of(composed(database_url, admin_networks="127.0.0.1")) as inside:
        assert await get_status(inside, ADMIN, "/api/users") == 200


async def test_an_operator_can_remove_a_clinics_networks(client, manager, run_command):
    assert (await run_command("networks", "set", "203.0.113.0/24", "--clinic", "1")).code == 0
    assert type_of(await client.get(USERS, headers=manager)) == REFUSED
    assert (await run_command("networks", "show", "--clinic", "1")).output == "203.0.113.0/24"
    assert (await run_command("networks", "set", "somewhere", "--clinic", "1")).code == 1
    assert (await run_command("networks", "set", "--clinic", "1")).code == 0
    assert await get_status(client, manager, USERS) == 200
    assert (await run_command("networks", "show", "--clinic", "9")).code == 1


async def test_the_page_shows_the_networks_and_the_callers_address(client, manager):
    await limit(client, manager, "127.0.0.0/8", "2001:db8::/32")
    page = (await client.get("/staff/1/users/networks", headers=manager)).text
    assert "127.0.0.0/8\n2001:db8::/32" in page
    assert "Your own address is 127.0.0.1." in page


def test_an_address_is_matched_against_ipv4_and_ipv6_networks():
    networks = normalized(["203.0.113.7", "2001:db8::/32", "203.0.113.7/32"])
    assert networks == ["2001:db8::/32", "203.0.113.7/32"]
    assert is_within("203.0.113.7", networks)
    assert is_within("::ffff:203.0.113.7", networks)
    assert is_within("2001:db8:1::1", networks)
    assert not is_within("203.0.113.8", networks)
    assert not is_within(None, networks)
    assert not is_within("unknown", networks)
    assert is_within(None, [])
