"""Fifty people whose every fact is marked go through everything there is; then it is looked where the marks have come
to, before they are erased and after."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import redis.asyncio as redis

from appoint.database import migrate
from appoint.database.pool import Database, connect
from support.app import ADMIN
from support.collector import Collector
from support.gateways import mail_talk, serving
from support.partner import Partner
from support.processes import appoint, own_postgres, redis_server
from support.rows import publish
from support.scale import scaled

PEOPLE = scaled(50, 12)
MARK = re.compile(r"qzx[a-z]{2,8}\d\d|3015550\d{4}|1901-0[2-4]-\d\d", re.IGNORECASE)
MEANT_FOR_THEM = {"customer", "patient", "appointment", "dev_message"}
"""The tables that may hold what people say, or what is said of them."""
TABLES = """
select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname = 'public'
"""


class Person:
    """By their number. Nothing about them is anybody else's."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.id = ""
        self.visits: list[str] = []

    def mark(self, kind: str) -> str:
        return f"qzx{kind}{self.number:02}"

    @property
    def known(self) -> dict[str, Any]:
        return {
            "name": f"Xanthippe {self.mark('name')}",
            "email": f"{self.mark('mail')}@example.org",
            "phone": f"+493015550{self.number:04}",
            "birthDate": str((datetime(1901, 2, 1, tzinfo=UTC) + timedelta(days=self.number)).date()),
        }


class World:
    """The clinic that they come to, over HTTP, and whatever is answered that is a problem."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self.http = http
        self.problems: list[str] = []

    async def ask(self, method: str, path: str, *, expected: int = 200, key: str | None = None, **what: Any) -> Any:
        headers = {**ADMIN, **({"Idempotency-Key": key} if key else {}), **what.pop("headers", {})}
        answer = await self.http.request(method, path, headers=headers, **what)
        assert answer.status_code == expected, (method, path, answer.status_code, answer.text)
        if answer.status_code >= 400:
            self.problems.append(answer.text)
        return answer.json() if answer.content and "json" in answer.headers["Content-Type"] else answer

    async def set_up(self, db: Database, partner: Partner) -> None:
        self.clinic = (
            await self.ask("POST", "/api/clinics", expected=201, json={"name": "Lakeside", "timeZone": "Europe/Berlin"})
        )["id"]
        self.doctor = (
            await self.ask("POST", f"/api/clinics/{self.clinic}/doctors", expected=201, json={"name": "Dr Shah"})
        )["id"]
        await self.ask("POST", f"/api/clinics/{self.clinic}/webhooks", expected=201, json={"url": partner.url})
        self.start = (datetime.now(UTC) + timedelta(days=3)).replace(hour=0, minute=0, second=0, microsecond=0)
        for day in range(3):
            await publish(db, self.doctor, self.start + timedelta(days=day), self.start + timedelta(days=day, hours=23))

    async def goes_through_everything(self, person: Person) -> None:
        """Everything that the API lets somebody do, or lets others do with them."""
        ask, mark, slot = self.ask, person.mark, self.start + timedelta(minutes=20 * person.number)
        made = await ask(
            "POST",
            "/api/customers",
            expected=201,
            json=person.known,
            key=mark("key"),
            headers={"User-Agent": mark("agent")},
        )
        person.id = made["id"]
        address, patient = f"/api/customers/{person.id}", f"/api/clinics/{self.clinic}/patients/{person.id}"
        when = {"clinicId": self.clinic, "doctorId": self.doctor, "customerId": person.id, "notes": mark("wish")}

        def at(day: int) -> dict[str, str]:
            start = slot + timedelta(days=day)
            return {"startTime": start.isoformat(), "endTime": (start + timedelta(minutes=20)).isoformat()}

        booked = await ask("POST", "/api/appointments", expected=201, json={**when, **at(0)}, key=mark("key"))
        held = (
            await ask("POST", "/api/bookings", expected=201, json={**when, **at(1), "hold": True}, key=mark("book"))
        )["appointments"][0]
        person.visits = [booked["id"], held["id"]]
        await ask("POST", "/api/appointments", expected=409, json={**when, **at(0)}, key=mark("again"))
        await ask("POST", f"/api/appointments/{held['id']}/confirm")
        await ask("PATCH", f"/api/appointments/{booked['id']}", json={"notes": mark("note")})
        await ask("PUT", f"/api/appointments/{held['id']}", json=at(2))
        await ask("PATCH", patient, json={"notes": mark("chart"), "recordNumber": mark("record")})
        await ask("PATCH", address, json={"locale": "de", "name": person.known["name"] + " " + mark("later")})
        await ask("PUT", f"{address}/notificationPreferences", json={"email": True, "sms": True})
        query = (mark("name"), person.known["email"], person.known["phone"])[person.number % 3]
        await ask("GET", "/api/customers", params={"q": query})
        await ask("GET", f"/api/clinics/{self.clinic}/patients", params={"q": query})
        await ask("GET", patient)
        await ask("GET", f"{address}/appointments")
        await ask("GET", f"{address}/export")
        await ask("GET", f"{address}/export", headers={"Accept": "text/html"})
        if person.number % 5 < 2:
            await self.goes_wrong(person, when, at)
        await ask("DELETE", f"/api/appointments/{booked['id']}", expected=204, params={"reason": mark("reason")})

    async def goes_wrong(self, person: Person, when: dict[str, Any], at: Any) -> None:
        ask, mark = self.ask, person.mark
        await ask(
            "POST",
            "/api/customers",
            expected=400,
            json={"name": mark("wrong"), "email": f"{mark('mail')} at example", "phone": mark("phone")},
        )
        await ask(
            "POST",
            "/api/customers",
            expected=400,
            content=f'{{"name": "{mark("wrong")}',
            headers={"Content-Type": "application/json"},
        )
        await ask("POST", "/api/customers", expected=400, json={**person.known, "birthDate": "2901-02-01"})
        await ask("POST", "/api/customers", expected=422, json={"name": mark("other")}, key=mark("key"))
        await ask("GET", "/api/customers", expected=400, params={"q": mark("name") * 40})
        await ask("GET", "/api/customers", expected=400, params={"cursor": mark("cursor")})
        await ask("POST", "/api/appointments", expected=400, json={**when, **at(0), "endTime": mark("time")})
        if person.number:  # the first one's number is taken, says the database in its own words
            first = f"/api/clinics/{self.clinic}/patients/{person.id}"
            await ask("PATCH", first, expected=409, json={"recordNumber": Person(0).mark("record")})

    async def leaves(self, person: Person) -> None:
        for visit in person.visits:
            await self.ask(
                "DELETE", f"/api/appointments/{visit}", expected=204, params={"reason": person.mark("reason")}
            )
        await self.ask("POST", f"/api/customers/{person.id}/erase", key=person.mark("erase"))


async def marks_in_tables(db: Database) -> dict[str, set[str]]:
    """What is found where, bytes that are text included."""
    found: dict[str, set[str]] = {}
    for table in await db.fetch(TABLES):
        for row in await db.fetch(f"select t::text as line from {table.name} t"):
            line = re.sub(r"\\x([0-9a-f]{2,})", lambda match: bytes.fromhex(match[1]).decode("latin-1"), row.line)
            if marks := MARK.findall(line):
                found.setdefault(table.name.removeprefix("public."), set()).update(marks)
    return found


async def everything_in(address: str) -> str:
    """All keys of a Redis, and what they hold."""
    client = redis.from_url(address)
    try:
        keys = [key async for key in client.scan_iter()]
        return str([(key, await client.dump(key)) for key in keys])
    finally:
        await client.aclose()


async def nothing_waits(db: Database) -> None:
    async with asyncio.timeout(60):
        while await db.fetchval(
            """
            select exists (select from event) or exists (select from notification where status in ('queued', 'leased') and due_at <= now() and attempts = 0)
                or exists (select from webhook_delivery where status = 'queued') or exists (select from audit_unsealed)
            """
        ):
            await asyncio.sleep(0.1)


async def together(work: Any, people: list[Person]) -> None:
    places = asyncio.Semaphore(8)

    async def one(person: Person) -> None:
        async with places:
            await work(person)

    await work(people[0])
    await asyncio.gather(*(one(person) for person in people[1:]))


def marks(*texts: str) -> set[str]:
    return {mark for text in texts for mark in MARK.findall(text)}


async def test_marked_people_are_found_where_they_are_meant_to_be_and_after_erasure_nowhere():
    people = [Person(number) for number in range(PEOPLE)]
    refusal = "550 5.1.1 " + " ".join(person.known["email"] for person in people[:5]) + ": no such mailbox"
    collector = Collector()
    with own_postgres() as postgres, redis_server() as cache:
        await migrate.upgrade(postgres.url)
        db = connect(postgres.url, size=4, wait_seconds=30, statement_seconds=60)
        async with Partner() as partner, serving(mail_talk({"RCPT": refusal})) as mail_port:
            with appoint(
                "serve",
                "--with-worker",
                database_url=postgres.url,
                cache_url=cache.url,
                otlp_endpoint=collector.url,
                smtp_url=f"smtp://127.0.0.1:{mail_port}",
                secret_key="a secret of tests",
                log_level="debug",
                log_format="json",
                webhook_private_addresses="true",
                mails_per_second=1000,
                sms_per_second=1000,
            ) as process:
                url = await asyncio.to_thread(lambda: process.url)
                async with httpx2.AsyncClient(base_url=url, timeout=60) as http:
                    world = World(http)
                    await world.set_up(db, partner)
                    await together(world.goes_through_everything, people)
                    await nothing_waits(db)
                    there = await marks_in_tables(db)
                    assert set(there) == MEANT_FOR_THEM
                    assert {mark for mark in there["customer"] if "name" in mark.lower()} == {
                        person.mark("name") for person in people
                    }
                    said = (
                        await everything_in(cache.url),
                        (await http.get("/metrics")).text,
                        *world.problems,
                        *(str(heard) for heard in partner.heard),
                    )
                    assert (marks(*said), len(world.problems) > 2 * PEOPLE, len(partner.heard) > PEOPLE) == (
                        set(),
                        True,
                        True,
                    )

                    await together(world.leaves, people)
                    await nothing_waits(db)
                    assert await marks_in_tables(db) == {}
                    said = (
                        await everything_in(cache.url),
                        (await http.get("/metrics")).text,
                        *(str(heard) for heard in partner.heard),
                    )
                    assert marks(*said) == set()
                    assert sum(b'"customer.erased"' in heard.body for heard in partner.heard) == PEOPLE
        await db.close()
        assert marks(process.output, postgres.log.read_text(errors="replace")) == set()
    assert (marks(str(collector.spans)), len(collector.spans) > 20 * PEOPLE, '"level":"error"' in process.output) == (
        set(),
        True,
        False,
    )
    collector.server.shutdown()
    collector.server.server_close()
