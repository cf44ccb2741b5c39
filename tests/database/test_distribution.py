"""Tables are distributed over the nodes of a Citus cluster.

Citus is not part of the tests' server: functions with the same names take its place and refuse what Citus refuses. With
`APPOINT_TEST_CITUS_URL`, `tests/system/test_citus.py` runs against the real one.
"""

import asyncio
import re
from pathlib import Path

import asyncpg
import pytest

from appoint.database import privileges
from appoint.database.distribution.distribute import distribute
from appoint.database.distribution.plan import LOCAL, REFERENCE, find_obstacles
from appoint.database.logins import SERVING_ROLES
from support.database import as_superuser, temporary

pytestmark = pytest.mark.xdist_group("roles")  # distributing changes roles, which all databases of the server share
CITUS = (Path(__file__).parents[1] / "support" / "citus.sql").read_text()
DEFINITIONS = """
select 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) as text
  from pg_constraint where connamespace = 'public'::regnamespace and conrelid <> 0
union all
select 'view ' || oid::regclass || ' ' || coalesce(reloptions::text, '') || pg_get_viewdef(oid)
  from pg_class where relkind = 'v' and relnamespace = 'public'::regnamespace
union all
select 'function ' || pg_get_functiondef(oid) || proowner::regrole
       || coalesce((select string_agg(a::text, ' ' order by a::text) from unnest(proacl) a), '')
  from pg_proc p
 where pronamespace = 'public'::regnamespace and prokind = 'f'
   and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
order by text
"""


async def definitions(connection) -> list[str]:
    """Return every constraint, view and function with its owner and grants, and what the roles may do."""
    rows = await connection.fetch(DEFINITIONS)
    texts = [re.sub(r"[()]", "", row["text"]) for row in rows]  # PostgreSQL leaves out some when it reads its own text
    return texts + await privileges.read(connection)


LESSON = """
create table lesson (clinic_id integer, id uuid, primary key (clinic_id, id));
alter table clinic
  add column lesson_id uuid, add constraint clinic_lesson foreign key (id, lesson_id) references lesson;
"""


@pytest.fixture
def empty_url(server_url, worker_id):
    with temporary(server_url, f"distribution_{worker_id}") as url:
        yield url
    asyncio.run(as_superuser(server_url, *(f"alter role {role} nologin" for role in SERVING_ROLES)))


@pytest.fixture
async def connection(empty_url):
    connection = await asyncpg.connect(empty_url)
    try:
        yield connection
    finally:
        await connection.close()


def ignore(number, total):
    pass


async def test_the_schema_has_nothing_that_citus_cannot_distribute(connection):
    assert await find_obstacles(connection) == []


@pytest.mark.parametrize(
    ("change", "obstacle"),
    [
        (
            "alter table doctor add column number bigint generated always as identity",
            "doctor.number is an identity column",
        ),
        ("create unique index doctor_name on doctor (name)", "doctor_name does not contain clinic_id"),
        (
            LESSON,
            "clinic_lesson on clinic, which is reference, refers to lesson, which is distributed",
        ),
        (
            "create trigger loud after insert on doctor execute function suppress_redundant_updates_trigger()",
            "doctor has the trigger loud",
        ),
    ],
)
async def test_obstacles_are_named_before_anything_changes(connection, empty_url, change, obstacle):
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute(change)
    assert await find_obstacles(connection) == [obstacle]
    await transaction.rollback()


async def test_every_clinics_tables_are_distributed_and_nothing_else_changes(connection, empty_url):
    await connection.execute(CITUS)
    before = await definitions(connection)
    await distribute(empty_url, on_progress=ignore)
    assert await definitions(connection) == before
    rows = await connection.fetch(
        "select logicalrelid::text as name, partmethod::text as method from pg_dist_partition"
    )
    placed = {row["name"]: row["method"] for row in rows}
    with_clinic = await connection.fetch(
        "select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'clinic_id' "
        "where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace"
    )
    expected = {row["relname"]: "h" for row in with_clinic if row["relname"] not in LOCAL}
    assert placed == expected | dict.fromkeys(REFERENCE, "n")


async def test_later_tables_join_the_others_when_the_command_is_repeated(connection, empty_url):
    await connection.execute(CITUS)
    await distribute(empty_url, on_progress=ignore)
    repeated = await distribute(empty_url, on_progress=ignore)
    assert repeated.statements == []
    await connection.execute("create table lesson (clinic_id integer references clinic, primary key (clinic_id))")
    steps = []
    later = await distribute(empty_url, on_progress=lambda number, total: steps.append((number, total)))
    assert [each for each in later.statements if "create_" in each] == [
        "select create_distributed_table('lesson', 'clinic_id', colocate_with => 'absence')"
    ]
    assert steps == [(number, len(steps)) for number in range(1, len(steps) + 1)]


async def test_a_refused_statement_leaves_everything_as_it_was(connection, empty_url):
    await connection.execute(CITUS)
    await connection.execute(
        "create or replace function create_reference_table(relation regclass) returns void language plpgsql as "
        "$$ begin raise exception 'a node is away'; end $$"
    )
    before = await definitions(connection)
    with pytest.raises(asyncpg.RaiseError, match="a node is away"):
        await distribute(empty_url, on_progress=ignore)
    assert await definitions(connection) == before


async def test_the_command_previews_without_citus_and_refuses_to_run(run_command, database_url):
    preview = await run_command("database", "distribute", "--dry-run", database_url=database_url)
    lines = preview.output.splitlines()
    assert (preview.code, lines[0]) == (0, "begin;")
    assert "select create_distributed_table('appointment', 'clinic_id', colocate_with => 'absence');" in lines
    assert "does not have the Citus extension" in preview.errors
    refused = await run_command("database", "distribute", database_url=database_url)
    assert refused.code == 1
    assert "create extension citus" in refused.errors


async def test_the_command_distributes_the_configured_database(run_command, connection, empty_url):
    await connection.execute(CITUS)
    first = await run_command("database", "distribute", database_url=empty_url)
    second = await run_command("database", "distribute", database_url=empty_url)
    assert (first.code, second.code) == (0, 0)
    assert first.text.startswith("Tables distributed: ")
    assert second.text == "All tables were distributed already."
