"""Servers share their rate limit counters in Redis, and keep working without it."""

import asyncio

import httpx2
import pytest

from appoint.http.rate_limits import redis_counters
from appoint.http.rate_limits.counters import Counters, Rate
from appoint.kit import errors
from support.processes import appoint, redis_server
from support.rate_limits import NINE, limited_client


@pytest.mark.usefixtures("still_clock")
async def test_servers_that_share_redis_share_counters(db, database_url):
    with redis_server() as redis:
        options = {"database_url": database_url, "cache_url": redis.url, "rate_limits": True, "requests_rate": "10/day"}
        with appoint("serve", **options) as one, appoint("serve", **options) as two:
            responses = [httpx2.get(f"{process.url}/api/clinics") for _ in range(6) for process in (one, two)]
            assert [response.status_code for response in responses] == [200] * 10 + [429] * 2
            redis.kill()
            response = httpx2.get(f"{one.url}/api/clinics")  # by now, it keeps its own count
            assert (response.status_code, response.headers["RateLimit-Remaining"]) == (200, "9")


async def test_sign_in_fails_while_redis_is_down_and_recovers_afterwards(db, database_url, monkeypatch):
    monkeypatch.setattr(redis_counters, "RETRY_SECONDS", 0)
    with redis_server() as redis:
        async with limited_client(database_url, cache_url=redis.url) as client:
            sign_in = {"email": "ana@example.org", "password": "a long enough password"}
            assert (await client.post("/api/sessions", json=sign_in)).status_code == 401
            redis.kill()
            refusal = await client.post("/api/sessions", json=sign_in)
            assert (refusal.status_code, refusal.json()["type"]) == (503, "/problems/unavailable")
            assert "Retry-After" in refusal.headers
            assert (await client.get("/api/clinics")).status_code == 200
            assert (await client.post("/api/customers", json={"name": "Ana"})).status_code == 201
            redis.start()
            async with asyncio.timeout(20):
                while (await client.post("/api/sessions", json=sign_in)).status_code == 503:
                    await asyncio.sleep(0.05)


async def test_redis_does_not_store_addresses_and_its_counters_expire():
    with redis_server() as redis:
        counters = Counters(redis.url, "secret")
        assert [(await counters.add("requests", "192.0.2.1", Rate(10, 60), NINE)).number for _ in range(3)] == [1, 2, 3]
        assert (await counters.count("requests", "192.0.2.1", Rate(10, 60), NINE)).number == 3
        client = counters._redis._storage.bridge.storage
        (key,) = await client.keys("*")
        assert b"192" not in key
        assert 0 < await client.ttl(key) <= 120
        await counters.close()


async def test_requests_do_not_each_wait_for_an_unreachable_redis():
    counters = Counters("redis://127.0.0.1:1/0", "secret")
    with pytest.raises(errors.Unavailable):
        await counters.add("requests", "a", Rate(1, 60), NINE)
    counters._redis._storage.incr = None  # Redis is not called again
    with pytest.raises(errors.Unavailable):
        await counters.add("requests", "a", Rate(1, 60), NINE)
