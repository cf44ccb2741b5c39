"""Named parameters in SQL files become numbers, and nothing else in the text changes."""

from pathlib import Path

import pytest

import appoint
from appoint.database import sql
from appoint.kit.metrics import QUERY_SECONDS

SOURCE = Path(appoint.__file__).parent


def test_parameters_are_numbered_in_order_of_first_appearance():
    query = sql.parse("x.y", "select :clinic_id, :doctor_id, :clinic_id")
    assert query == sql.Query("x.y", "select $1, $2, $1", ("clinic_id", "doctor_id"))


@pytest.mark.parametrize(
    "text",
    [
        "select '10:am', 'it''s :not'",
        'select 1 as "a :name"',
        "select 1 -- until 10 :am",
        "select /* a :comment\n of two lines */ 1",
        "select $$ :body $$, $tag$ :body $tag$",
        "select now()::date, '{}'::uuid[]",
        "select days[1:2], days[first:last]",
    ],
)
def test_casts_strings_comments_and_slices_are_not_parameters(text):
    assert sql.parse("x.y", text).parameters == ()


def test_a_cast_parameter_is_a_parameter():
    assert sql.parse("x.y", "select :day::date+1").text == "select $1::date+1"


@pytest.mark.parametrize("values", [{}, {"a": 1}, {"a": 1, "b": 2, "c": 3}])
def test_a_missing_or_surplus_parameter_raises(values):
    with pytest.raises(TypeError, match=r"x\.y"):
        sql.parse("x.y", "select :a, :b").arguments(values)


async def test_a_query_runs_with_named_parameters_under_its_own_name(db):
    query = sql.parse("booking.example", "select :text || ':b' as text, :number::int as number")
    row = await db.fetchrow(query, number=2, text="a")
    assert (row.text, row.number) == ("a:b", 2)
    assert QUERY_SECONDS.labels("booking.example")._sum.get() > 0


def test_every_sql_file_can_be_loaded():
    for path in SOURCE.rglob("sql/*.sql"):
        package = ".".join(("appoint", *path.relative_to(SOURCE).parts[:-2]))
        feature = package.removesuffix(".repository").rpartition(".")[2]
        assert sql.load(f"{package}.repository", path.stem).name == f"{feature}.{path.stem}"
