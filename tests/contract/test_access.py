"""Every operation, asked by every role, about what is its own, its clinic's, another clinic's and nobody's: as the
table of permissions says, and no other."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from appoint.http import access
from appoint.http.openapi import Operation
from appoint.http.routes import route_of
from appoint.kit.actors import Actor, Role
from appoint.kit.permissions import PUBLIC_PERMISSIONS, Grant, Relation, document
from support.access_matrix import (
    MEMBERS,
    RELATIONS,
    asked_by,
    callers_of,
    clinic_with_two_of_everything,
    is_about_a_clinic,
    may,
    nobodys,
)
from support.described import OPERATIONS, example

DOCUMENT = Path(__file__).parents[2] / "docs/access.md"


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
"""The tables that hold what is not for everyone's eyes, and a column of each that is shown where the row is."""


async def test_the_database_gives_nothing_of_people_of_another_clinic_though_nobody_guards(
    db, database_url, monkeypatch
):
    """With the guards let through everyone: the second line. The tables in which another clinic's rows can then be seen
    are named in docs/security.md."""

    async def let_through(request: Any, caller: Actor, permission: str, clinic_id: int | None) -> Grant:
        return Grant(Relation.ANY)

    own, _ = await clinic_with_two_of_everything(db)
    other, _ = await clinic_with_two_of_everything(db)
    await db.execute(
        "insert into audit_head (clinic_id, position, hash, public_key, signature, sealed_at) values (0, 0, sha256(''), '', '', now())"
    )
    clinic_id = other.ids["clinicId"]
    for table, column in MARKED.items():
        whose = {
            "customer": "where id in (select customer_id from patient where clinic_id = $2)",
            "app_user": "where id in (select user_id from membership where clinic_id = $2)",
        }
        await db.execute(
            f"update {table} set {column} = $1 {whose.get(table, 'where clinic_id = $2')}", f"marked-{table}", clinic_id
        )
    monkeypatch.setattr(access, "_granted", let_through)
    seen: set[str] = set()
    async with asked_by(database_url, callers_of(own)) as ask:
        for operation in OPERATIONS:
            if route_of(operation.handler).permission in PUBLIC_PERMISSIONS or operation.method != "get":
                continue
            for role in MEMBERS:
                answer = await ask(role, "get", other.in_path(operation))
                seen |= {table for table in MARKED if f"marked-{table}" in answer.text}
    assert seen == NOT_SHIELDED


NOT_SHIELDED = {"absence", "appointment"}
"""What booking and searching read for everyone, by ranges that row security would keep from being index conditions
(docs/decisions/0017)."""


async def test_every_role_may_do_what_the_table_says_and_nothing_else(db, database_url):
    own, same = await clinic_with_two_of_everything(db)
    other, _ = await clinic_with_two_of_everything(db)
    await db.execute(
        "insert into audit_head (clinic_id, position, hash, public_key, signature, sealed_at) values (0, 0, sha256(''), '', '', now())"
    )
    about = dict(zip(RELATIONS, (own, same, other, nobodys(own)), strict=True))
    wrong: list[str] = []
    asked = 0
    async with asked_by(database_url, callers_of(own)) as ask:
        for operation in OPERATIONS:
            if route_of(operation.handler).permission == "sign-in":
                continue  # for those who have not said who they are
            for relation, things in about.items():
                body = things.in_body(example(operation))
                if relation != "own" and not (operation.parameters or is_about_a_clinic(operation, body)):
                    continue
                if isinstance(body, dict):
                    body.pop("override", None)  # which is asked for beside the operation itself
                for role in Role:
                    answer = await ask(role, operation.method, things.in_path(operation), body)
                    asked += 1
                    wanted = may(operation, role, relation, body)
                    refused = (
                        answer.status_code == 403
                        or (answer.status_code == 401 and route_of(operation.handler).permission != "sign-in")
                        or (answer.status_code == 404 and relation != "none" and not _says_what_is_missing(operation))
                    )
                    if answer.status_code == 500 or (answer.status_code not in wanted if wanted else refused):
                        wrong.append(
                            f"{role} {operation.handler.operation_id} {relation}: {answer.status_code}, {sorted(wanted) if wanted else 'not refused'}"
                        )
    assert asked > 1500
    print(*wrong, sep="\n")
    assert wrong == []


def _says_what_is_missing(operation: Operation) -> bool:
    """Whether it can be 404 for something else than what the test knows to be there."""
    return route_of(operation.handler).permission in ("public", "book", "sign-in", "account")


def test_the_document_shows_the_table():
    """Written anew by `appoint access >docs/access.md`."""
    assert DOCUMENT.read_text() == document(operations())


def operations() -> Iterator[tuple[str, str, str, str]]:
    for operation in OPERATIONS:
        yield (
            str(operation.handler.operation_id),
            operation.method,
            operation.path,
            route_of(operation.handler).permission,
        )
