"""Callers in every role, and what the permissions table allows them to do."""

import dataclasses
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx2

from appoint.database.pool import Database, Transaction
from appoint.http import access
from appoint.http.openapi import Operation
from appoint.http.routes import route_of
from appoint.kit.actors import Actor, Membership, Role
from appoint.kit.permissions import PERMISSIONS, Relation
from support.app import ADMIN, client_of, composed
from support.clinic_records import Records

MEMBERS = (Role.DOCTOR, Role.RECEPTIONIST, Role.MANAGER, Role.PARTNER)
RELATIONS = ("own", "same clinic", "other clinic", "unknown")


class RollbackDatabase(Database):
    """A database that rolls back every transaction, after checking its deferred constraints."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.keys = db.keys

    async def in_transaction(self, opening: str, work: Callable[[Transaction], Awaitable[Any]]) -> Any:
        class Rollback(Exception):
            result: Any = None

        async def work_and_roll_back(tx: Transaction) -> None:
            rollback = Rollback()
            rollback.result = await work(tx)
            await tx.execute("set constraints all immediate")
            raise rollback

        try:
            await self.db.in_transaction(opening, work_and_roll_back)
        except Rollback as rollback:
            return rollback.result

    async def run(self, method: str, sql: str, args: tuple[Any, ...]) -> Any:
        return await self.in_transaction("begin", lambda tx: tx.run(method, sql, args))

    def measure(self) -> None:
        self.db.measure()

    async def close(self) -> None:
        await self.db.close()


Call = Callable[[Role, str, str, Any], Awaitable[httpx2.Response]]


@asynccontextmanager
async def calls_as(database_url: str, callers: dict[Role, Actor]) -> AsyncGenerator[Call]:
    """Yield a function that calls the application as the caller with the given role. No call changes the database."""
    app = composed(database_url)

    async def identify(connection: Any, token: str) -> Actor | None:
        return callers[Role(token.removeprefix("as_"))]

    async with client_of(app) as client:
        app.state.services.identities["as_"] = identify
        app.state.services = dataclasses.replace(app.state.services, db=RollbackDatabase(app.state.services.db))

        async def call(role: Role, method: str, path: str, body: Any = None) -> httpx2.Response:
            headers = {Role.ANYONE: {}, Role.ADMINISTRATOR: ADMIN}.get(role, {"Authorization": f"Bearer as_{role}"})
            return await client.request(method, path, headers=headers, **({} if body is None else {"json": body}))

        yield call


def callers_of(own: Records) -> dict[Role, Actor]:
    """Return a caller for each role that can sign in. Each has their own records at the clinic."""
    clinic_id, doctor_id = own.ids["clinicId"], own.ids["doctorId"]
    scopes = frozenset(name for name, permission in PERMISSIONS.items() if Role.PARTNER in permission.reach)
    return {
        Role.HOLDER: Actor("link:1", appointment_id=own.ids["appointmentId"]),
        Role.USER: Actor("user:1", user_id=own.ids["userId"]),
        Role.PATIENT: Actor("patient:1", customer_id=own.ids["customerId"], session_id=own.ids["patientSessionId"]),
        **{
            role: Actor(
                f"user:{role}", user_id=own.ids["userId"], memberships=(Membership(clinic_id, role, doctor_id),)
            )
            for role in MEMBERS[:3]
        },
        Role.PARTNER: Actor("key:1", memberships=(Membership(clinic_id, Role.PARTNER),), scopes=scopes),
    }


def is_about_a_clinic(operation: Operation, body: Any) -> bool:
    """Return whether the path or the body refers to something that belongs to a clinic."""
    return bool({"clinicId", "doctorId", "bookingSlotId"} & set(body or ())) or any(
        name not in ("customerId", "sessionId", "userId", "adminTokenId", "passkeyId", "guardianshipId")
        for name in list(operation.parameters)
    )


OWNED = (
    *("appointmentId", "bookingId", "stepId", "bookingSlotId", "doctorSlotId", "absenceId", "customerId", "guestId"),
    "recordingId",
)
"""Parameters whose record determines the owner, so an unknown id gets 404. The paths of guests and recordings begin
with their appointment."""


def expected_refusals(operation: Operation, role: Role, relation: str, body: Any) -> set[int] | None:
    """Return the statuses that the permissions table requires, or None if the role may call the operation."""
    route = route_of(operation.handler)
    reach = PERMISSIONS[route.permission].reach
    if Role.ANYONE in reach or reach.get(role) is Relation.ANY:
        return None
    if role is Role.ANYONE:
        return {401}
    granted = reach.get(role) or (reach.get(Role.USER) if role in MEMBERS[:3] else None)
    about_clinic = is_about_a_clinic(operation, body)
    at_other_clinic = role in MEMBERS and relation == "other clinic" and about_clinic
    if granted is None:  # the body is not read in this case, so only the path reveals the clinic
        return {404} if at_other_clinic and operation.parameters else {403}
    if at_other_clinic:
        return {404}
    if route.permission in access.OF_ONESELF or granted is Relation.ANY or not (about_clinic or operation.parameters):
        return None
    if role in MEMBERS and granted is Relation.CLINIC:
        return None
    return _refusals_beyond_own(operation, role, relation, body)


def _refusals_beyond_own(operation: Operation, role: Role, relation: str, body: Any) -> set[int] | None:
    """Return the refusal statuses for a role that may access only its own records."""
    parameter = list(operation.parameters)[-1] if operation.parameters else ""
    if parameter == "clinicId" and "doctorId" not in (body or ()):  # all the clinic's records
        return None if route_of(operation.handler).narrows else {403}
    if relation == "own":
        return None
    if role in MEMBERS:
        return {403} if relation == "same clinic" or parameter not in OWNED else {403, 404}
    return {404}
