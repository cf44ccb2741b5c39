"""Every role calls every operation on its own records, on other records at its clinic, on another clinic's records and
on records that don't exist. The permissions table determines the responses.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from appoint.http import access
from appoint.http.openapi import Operation
from appoint.http.routes import route_of
from appoint.kit.actors import Actor, Role
from appoint.kit.key_ring import EncryptedField
from appoint.kit.permissions import PUBLIC_PERMISSIONS, Grant, Relation, document
from support.access_matrix import (
    MEMBERS,
    RELATIONS,
    callers_of,
    calls_as,
    expected_refusals,
    is_about_a_clinic,
)
from support.clinic_records import create_clinic_records, unknown_records
from support.described import OPERATIONS, example

DOCUMENT = Path(__file__).parents[2] / "docs/access.md"


PLATFORM_AUDIT_HEAD = """
insert into audit_head (clinic_id, position, hash, public_key, signature, sealed_at)
values (0, 0, sha256(''), '', '', now())
"""

MARKED = {
    "absence": "reason",
    "api_key": "name",
    "app_user": "name",
    "appointment": "status = 'cancelled', cancel_reason",
    "audit_unsealed": "action",
    "customer": "name",
    "message_template": "text",
    "notification": "reason",
    "patient": "notes",
    "webhook": "description",
    "webhook_delivery": "subject_id",
}
"""Tables with confidential rows, each with a column whose value appears in every response that contains the row. The
test marks `emergency_access.reason` too, which accepts only ciphertext."""


async def test_row_security_hides_another_clinics_people_even_without_access_checks(db, database_url, monkeypatch):
    """Row security is the second line of defence. docs/security.md names the tables it does not protect."""

    async def grant_everything(request: Any, caller: Actor, permission: str, clinic_id: int | None) -> Grant:
        return Grant(Relation.ANY)

    own, _ = await create_clinic_records(db)
    other, _ = await create_clinic_records(db)
    await db.execute(PLATFORM_AUDIT_HEAD)
    clinic_id = other.ids["clinicId"]
    for table, column in MARKED.items():
        condition = {
            "customer": "where id in (select customer_id from patient where clinic_id = $2)",
            "app_user": "where id in (select user_id from membership where clinic_id = $2)",
        }
        await db.execute(
            f"update {table} set {column} = $1 {condition.get(table, 'where clinic_id = $2')}",
            f"marked-{table}",
            clinic_id,
        )
    for row in await db.fetch("select id from emergency_access where clinic_id = $1", clinic_id):
        reason = db.keys.encrypt("marked-emergency_access", EncryptedField.EMERGENCY_REASON, row.id)
        await db.execute("update emergency_access set reason = $1 where id = $2", reason, row.id)
    monkeypatch.setattr(access, "_grant_for", grant_everything)
    visible: set[str] = set()
    async with calls_as(database_url, callers_of(own)) as call:
        for operation in OPERATIONS:
            if route_of(operation.handler).permission in PUBLIC_PERMISSIONS or operation.method != "get":
                continue
            for role in MEMBERS:
                response = await call(role, "get", other.in_path(operation))
                visible |= {table for table in (*MARKED, "emergency_access") if f"marked-{table}" in response.text}
    assert visible == WITHOUT_ROW_SECURITY


WITHOUT_ROW_SECURITY = {"absence", "appointment"}
"""Booking and search read these tables for all callers, with range conditions that could not use an index under row
security (docs/decisions/0017)."""


async def test_every_role_can_do_exactly_what_the_permissions_table_allows(db, database_url):
    own, same = await create_clinic_records(db)
    other, _ = await create_clinic_records(db)
    await db.execute(PLATFORM_AUDIT_HEAD)
    by_relation = dict(zip(RELATIONS, (own, same, other, unknown_records(own)), strict=True))
    mistakes: list[str] = []
    calls = 0
    async with calls_as(database_url, callers_of(own)) as call:
        for operation in OPERATIONS:
            if route_of(operation.handler).permission == "sign-in":
                continue  # doesn't need a caller
            for relation, records in by_relation.items():
                body = records.in_body(example(operation))
                if relation != "own" and not (operation.parameters or is_about_a_clinic(operation, body)):
                    continue
                if isinstance(body, dict):
                    body.pop("override", None)  # needs a different permission
                for role in Role:
                    response = await call(role, operation.method, records.in_path(operation), body)
                    calls += 1
                    expected = expected_refusals(operation, role, relation, body)
                    is_refused = (
                        response.status_code == 403
                        or (response.status_code == 401 and route_of(operation.handler).permission != "sign-in")
                        or (
                            response.status_code == 404
                            and relation != "unknown"
                            and not _can_be_404_otherwise(operation)
                        )
                    )
                    if response.status_code == 500 or (
                        response.status_code not in expected if expected else is_refused
                    ):
                        name = operation.handler.operation_id
                        mistakes.append(f"{role} {name} {relation}: {response.status_code}, expected {expected}")
    assert calls > 1500
    print(*mistakes, sep="\n")
    assert mistakes == []


def _can_be_404_otherwise(operation: Operation) -> bool:
    """Return whether the operation can also return 404 because the clinic's records, or the caller's own, don't contain
    what it needs.
    """
    return route_of(operation.handler).permission in ("public", "book", "sign-in", "account", "credentials")


def test_the_access_page_matches_the_permissions_table():
    """`make reference` rewrites the page."""
    assert DOCUMENT.read_text() == document(operations())


def operations() -> Iterator[tuple[str, str, str, str]]:
    for operation in OPERATIONS:
        yield (
            str(operation.handler.operation_id),
            operation.method,
            operation.path,
            route_of(operation.handler).permission,
        )
