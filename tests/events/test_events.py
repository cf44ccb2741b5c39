"""Every change is recorded as exactly one event from the catalogue.

Random operations run, and the tables before and after each operation are compared with its events.
"""

import json
import random
from collections import Counter

import jsonschema_rs
import pytest

from appoint.database.pool import Database
from appoint.events import model
from appoint.events.schemas import schema
from appoint.events.service import event_of
from support.random_operations import OPERATIONS, RandomOperations
from support.scale import scaled

VERSIONS = """
select 'appointment' as what, id::text, version, doctor_id::text as owner from appointment
union all select 'customer', id::text, version, null from customer
union all select 'absence', id::text, version, null from absence
union all select 'time-slot', id::text, version, null from time_slot
union all select 'line', id::text, version, doctor_id::text from doctor_slot
union all select 'clinic', id::text, case when active then 1 else 2 end, null from clinic
union all select 'manual slot', id::text, version, null from booking_slot
           where source = 'manual' or removed_at is not null
"""
EVENT_PREFIXES = {
    "appointment": ("appointment.",),
    "customer": ("customer.",),
    "absence": ("absence.",),
    "time-slot": ("time-slot.",),
}
"""The prefixes of the event types that record changes to each kind of row. Each change records exactly one event."""


async def read_versions(db: Database) -> dict[tuple[str, str], tuple[int, str | None]]:
    return {(row.what, row.id): (row.version, row.owner) for row in await db.fetch(VERSIONS)}


@pytest.mark.parametrize("seed", range(scaled(4, 1)))
async def test_every_change_records_exactly_one_event(client, db, seed):
    operations = RandomOperations(client, db, random.Random(seed))
    await operations.begin()
    for _ in range(150):
        name = operations.dice.choice([*OPERATIONS, "book", "book", "book", "move", "step"])
        before, old_ids = await read_versions(db), {row.id for row in await db.fetch("select id from event")}
        await getattr(operations, name)()
        after = await read_versions(db)
        events = [
            row for row in await db.fetch("select * from event order by subject_version, id") if row.id not in old_ids
        ]
        check_events(name, before, after, events)
        operations.event_counts.update({name: bool(events)})
    assert sum(1 for count in operations.event_counts.values() if count) > 15, operations.event_counts


def check_events(operation: str, before: dict, after: dict, events: list) -> None:
    """Check that the events record exactly the changes between the versions before and after an operation."""
    events_by_key = Counter((event.type, event.subject_id, event.subject_version) for event in events)
    for event in events:
        event_of(event)  # raises if the event does not match the catalogue
    assert max(events_by_key.values(), default=1) == 1, (operation, events_by_key)
    doctors_with_changed_hours, changed_slots = set(), 0
    change_keys: set[tuple[str, str, int]] = set()
    for (what, id), (version, owner) in after.items():
        old, _ = before.get((what, id), (0, None))
        if what in EVENT_PREFIXES:
            for each in range(old + 1, version + 1):
                matches = [
                    key
                    for key in events_by_key
                    if key[1] == id and key[2] == each and key[0].startswith(EVENT_PREFIXES[what])
                ]
                assert len(matches) == 1, (operation, what, id, each, events_by_key)
                change_keys.update(matches)
        elif version > old and what == "line":
            doctors_with_changed_hours.add(owner)
        elif version > old and what == "manual slot":
            changed_slots += 1
    schedules = {key for key in events_by_key if key[0] == "schedule.changed"}
    assert sorted(key[1] for key in schedules) == sorted(doctors_with_changed_hours), (operation, events_by_key)
    others = {key for key in events_by_key if key not in change_keys and key not in schedules}
    slot_events = {"slots.generated", "slots.withdrawn", "schedule.applied"}
    slot_events |= {"slot.moved", "slot.published", "slot.withdrawn"}
    assert {key[0] for key in others} <= slot_events, (operation, others)
    assert len(others) <= 1, (operation, others)
    if changed_slots and operation in ("publish", "move_slot", "remove_slot"):
        assert len(others) == 1, (operation, changed_slots, events_by_key)


async def test_cloud_events_match_their_schemas(client, db):
    operations = RandomOperations(client, db, random.Random(1))
    await operations.begin()
    for name in ("book", "book", "book", "move", "add_absence", "apply", "publish", "register", "add_time_slot"):
        await getattr(operations, name)()
    events = [event_of(row) for row in await db.fetch("select * from event")]
    assert len({event.type for event in events}) > 5
    for event in events:
        jsonschema_rs.validate(schema(event.type), json.loads(model.cloud_event(event)), validate_formats=True)


async def test_an_event_carries_the_trace_of_the_request_that_caused_it(client, db):
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    operations = RandomOperations(client, db, random.Random(1))
    await operations.begin()
    client.headers["traceparent"] = parent
    while (await operations.book()).status_code != 201:
        pass
    (row,) = await db.fetch("select * from event where type in ('appointment.booked', 'appointment.held')")
    assert json.loads(model.cloud_event(event_of(row)))["traceparent"] == parent
