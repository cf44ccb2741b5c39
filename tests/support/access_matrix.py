"""Two clinics with everything in them, and callers in every role."""

import dataclasses
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx2

from appoint.database.pool import Database, Transaction
from appoint.http import access
from appoint.http.openapi import Operation
from appoint.http.routes import route_of
from appoint.kit import ids
from appoint.kit.actors import Actor, Membership, Role
from appoint.kit.permissions import PERMISSIONS, Relation
from support.app import ADMIN, composed
from support.described import address
from support.rows import later

MEMBERS = (Role.DOCTOR, Role.RECEPTIONIST, Role.MANAGER, Role.PARTNER)


NOT_THERE = UUID("019a0000-0000-7000-8000-000000000000")


RELATIONS = ("own", "same clinic", "other clinic", "none")


@dataclass
class Things:
    """What an address can name, by the names that paths and bodies have for it."""

    ids: dict[str, Any]

    def in_path(self, operation: Operation) -> str:
        return address(
            operation,
            **{
                name: str(self.ids[_known(operation.path, name)])
                for name in list(operation.parameters)
                if _known(operation.path, name) in self.ids
            },
        )

    def in_body(self, body: Any) -> Any:
        """The example with the ids of these things in it."""
        if isinstance(body, dict):
            return {name: self._value(name, value) for name, value in body.items()}
        return [self.in_body(each) for each in body] if isinstance(body, list) else body

    def _value(self, name: str, value: Any) -> Any:
        if value is None or name not in self.ids:
            return self.in_body(value)
        return self.ids[name] if isinstance(self.ids[name], int) else str(self.ids[name])


def _known(path: str, name: str) -> str:
    """`{id}` in a path is of what stands before it."""
    return (
        name
        if name != "id"
        else path.split("{id}", maxsplit=1)[0].rstrip("/").rsplit("/", 1)[-1].removesuffix("s") + "Id"
    )


async def clinic_with_two_of_everything(db: Database) -> tuple[Things, Things]:
    """A clinic's things: those of its first doctor and their patient, and those of its second."""
    clinic_id = await db.fetchval(
        "insert into clinic (name, time_zone) values ('Lakeside', 'Europe/Berlin') returning id"
    )
    shared = {
        "clinicId": clinic_id,
        "appointmentTypeId": ids.new_id(clinic_id),
        "timeSlotId": ids.new_id(clinic_id),
        "webhookId": ids.new_id(clinic_id),
    }
    await db.execute(
        "insert into appointment_type (clinic_id, id, name, minutes) values ($1, $2, 'Check-up', 30)",
        clinic_id,
        shared["appointmentTypeId"],
    )
    await db.execute(
        "insert into time_slot (clinic_id, id, minutes) values ($1, $2, '[480,720)')", clinic_id, shared["timeSlotId"]
    )
    await db.execute(
        "insert into webhook (clinic_id, id, url, secret) values ($1, $2, 'https://partner.example.com/', sha256(''))",
        clinic_id,
        shared["webhookId"],
    )
    await db.execute(
        """
        insert into webhook_delivery (clinic_id, id, webhook_id, event_id, event_type, subject_id, due_at)
        values ($1, mint_id($1), $2, uuidv7(), 'slot.moved', 'a slot', now())
        """,
        clinic_id,
        shared["webhookId"],
    )
    await db.execute(
        "insert into message_template (clinic_id, id, kind, channel, locale, text) values ($1, mint_id($1), 'reminder', 'sms', 'en', 'Please come.')",
        clinic_id,
    )
    await db.execute(
        "insert into audit_unsealed (clinic_id, actor, action) values ($1, 'system', 'expireHold')", clinic_id
    )
    await db.execute(
        "insert into audit_head (clinic_id, position, hash, public_key, signature, sealed_at) values ($1, 0, sha256(''), '', '', now())",
        clinic_id,
    )
    return await _things(db, clinic_id, shared, 9), await _things(db, clinic_id, shared, 14)


async def _things(db: Database, clinic_id: int, shared: dict[str, Any], hour: int) -> Things:
    made = {
        name: ids.new_id(clinic_id)
        for name in (
            "doctorId",
            "bookingSlotId",
            "doctorSlotId",
            "absenceId",
            "appointmentId",
            "notificationId",
            "apiKeyId",
        )
    }
    customer_id = await db.fetchval("insert into customer (name, email) values ('Ana', 'ana@example.com') returning id")
    user_id = await db.fetchval(
        "insert into app_user (name, email) values ('Rita', $1) returning id", f"rita-{clinic_id}-{hour}@example.com"
    )
    start = later(24 * 7).replace(hour=hour, minute=0, second=0)
    await db.execute("insert into doctor (clinic_id, id, name) values ($1, $2, 'Dr Shah')", clinic_id, made["doctorId"])
    await db.execute(
        "insert into booking_slot (clinic_id, id, doctor_id, date, during) values ($1, $2, $3, $4, tstzrange($5, $6))",
        clinic_id,
        made["bookingSlotId"],
        made["doctorId"],
        start.date(),
        start,
        start.replace(hour=hour + 3),
    )
    await db.execute(
        "insert into doctor_slot (clinic_id, id, doctor_id, weekday, minutes, valid) values ($1, $2, $3, 1, '[480,540)', '[2026-01-01,)')",
        clinic_id,
        made["doctorSlotId"],
        made["doctorId"],
    )
    await db.execute(
        "insert into absence (clinic_id, id, doctor_id, during) values ($1, $2, $3, tstzrange($4, $5))",
        clinic_id,
        made["absenceId"],
        made["doctorId"],
        start.replace(hour=22),
        start.replace(hour=23),
    )
    await db.execute(
        "insert into patient (clinic_id, customer_id, notes) values ($1, $2, 'seen twice')", clinic_id, customer_id
    )
    await db.execute(
        """
        insert into appointment (clinic_id, id, booking_id, doctor_id, customer_id, during, claimed)
        values ($1, $2, $2, $3, $4, tstzrange($5, $6), tstzrange($5, $6))
        """,
        clinic_id,
        made["appointmentId"],
        made["doctorId"],
        customer_id,
        start,
        start.replace(minute=30),
    )
    await db.execute(
        """
        insert into notification (clinic_id, id, kind, subject_id, sequence, recipient, recipient_id, channel, due_at, expires_at, status, reason)
        values ($1, $2, 'reminder', $3, 0, 'customer', $4, 'email', now(), now(), 'dead', 'no such mailbox')
        """,
        clinic_id,
        made["notificationId"],
        str(made["appointmentId"]),
        str(customer_id),
    )
    await db.execute(
        "insert into membership (clinic_id, user_id, role) values ($1, $2, 'receptionist')", clinic_id, user_id
    )
    await db.execute(
        "insert into api_key (clinic_id, id, name, scopes, secret_hash) values ($1, $2, 'Lab', '{see-patients}', sha256(''))",
        clinic_id,
        made["apiKeyId"],
    )
    return Things(
        {
            **shared,
            **made,
            "providerId": made["doctorId"],
            "bookingId": made["appointmentId"],
            "customerId": customer_id,
            "userId": user_id,
        }
    )


def nobodys(own: Things) -> Things:
    """Ids of the clinic that nothing has."""
    return Things(
        {
            name: value
            if name == "clinicId"
            else NOT_THERE
            if name in ("customerId", "userId")
            else ids.new_id(own.ids["clinicId"])
            for name, value in own.ids.items()
        }
    )


class Dry(Database):
    """Whatever is done is undone."""

    def __init__(self, whole: Database) -> None:
        self.whole = whole

    async def in_transaction(self, opening: str, work: Callable[[Transaction], Awaitable[Any]]) -> Any:
        class Undone(Exception):
            result: Any = None

        async def undone(tx: Transaction) -> None:
            done = Undone()
            done.result = await work(tx)
            await tx.execute("set constraints all immediate")
            raise done

        try:
            await self.whole.in_transaction(opening, undone)
        except Undone as done:
            return done.result

    async def run(self, method: str, sql: str, args: tuple[Any, ...]) -> Any:
        return await self.in_transaction("begin", lambda tx: tx.run(method, sql, args))

    def measure(self) -> None:
        self.whole.measure()

    async def close(self) -> None:
        await self.whole.close()


@asynccontextmanager
async def asked_by(
    database_url: str, callers: dict[Role, Actor]
) -> AsyncGenerator[Callable[[Role, str, str, Any], Awaitable[httpx2.Response]]]:
    """Ask the application as one of the callers, in its role's name."""
    app = composed(database_url)

    async def identify(connection: Any, token: str) -> Actor | None:
        return callers[Role(token.removeprefix("as_"))]

    async with (
        app.lifespan(),
        httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app), base_url="http://testserver.local", timeout=60
        ) as client,
    ):
        app.state.services.identities["as_"] = identify
        app.state.services = dataclasses.replace(app.state.services, db=Dry(app.state.services.db))

        async def ask(role: Role, method: str, path: str, body: Any = None) -> httpx2.Response:
            headers = (
                {}
                if role is Role.ANYONE
                else ADMIN
                if role is Role.ADMINISTRATOR
                else {"Authorization": f"Bearer as_{role}"}
            )
            return (
                await client.request(method, path, json=body, headers=headers)
                if body is not None
                else await client.request(method, path, headers=headers)
            )

        yield ask


def callers_of(own: Things) -> dict[Role, Actor]:
    """Everyone who can sign in, with their own things at that clinic."""
    clinic_id, doctor_id = own.ids["clinicId"], own.ids["doctorId"]
    scopes = frozenset(name for name, permission in PERMISSIONS.items() if Role.PARTNER in permission.reach)
    return {
        Role.HOLDER: Actor("link:1", appointment_id=own.ids["appointmentId"]),
        Role.USER: Actor("user:1", user_id=own.ids["userId"]),
        Role.PATIENT: Actor("patient:1", customer_id=own.ids["customerId"]),
        **{
            role: Actor(
                f"user:{role}", user_id=own.ids["userId"], memberships=(Membership(clinic_id, role, doctor_id),)
            )
            for role in MEMBERS[:3]
        },
        Role.PARTNER: Actor("key:1", memberships=(Membership(clinic_id, Role.PARTNER),), scopes=scopes),
    }


def is_about_a_clinic(operation: Operation, body: Any) -> bool:
    return bool({"clinicId", "doctorId", "bookingSlotId"} & set(body or ())) or any(
        name not in ("customerId", "sessionId", "userId") for name in list(operation.parameters)
    )


OWNED = ("appointmentId", "bookingId", "bookingSlotId", "doctorSlotId", "absenceId", "customerId")
"""What is looked up to know whose it is; what is not there is not found."""


def may(operation: Operation, role: Role, relation: str, body: Any) -> set[int] | None:
    """The refusals that the table demands; None: it is not refused for who asks."""
    handler, name = operation.handler, route_of(operation.handler).permission
    reach = PERMISSIONS[name].reach
    if Role.ANYONE in reach or reach.get(role) is Relation.ANY:
        return None
    if role is Role.ANYONE:
        return {401}
    held = reach.get(role) or (reach.get(Role.USER) if role in MEMBERS[:3] else None)
    about_clinic = is_about_a_clinic(operation, body)
    if held is None:  # nowhere; what only a body says is not read for them
        return (
            {404} if role in MEMBERS and relation == "other clinic" and about_clinic and operation.parameters else {403}
        )
    if role in MEMBERS and about_clinic and relation == "other clinic":
        return {404}
    if name in access.OF_ONESELF or held is Relation.ANY or not (about_clinic or list(operation.parameters)):
        return None
    if role in MEMBERS and held is Relation.CLINIC:
        return None
    named = list(operation.parameters)[-1] if list(operation.parameters) else ""
    if route_of(handler).narrows and named == "clinicId" and "doctorId" not in (body or ()):
        return None
    if named == "clinicId" and "doctorId" not in (body or ()):
        return {403}  # all of the clinic, which is more than their own
    if relation == "own":
        return None
    if role in MEMBERS:
        return {403} if relation == "same clinic" or named not in OWNED else {403, 404}
    return {404}
