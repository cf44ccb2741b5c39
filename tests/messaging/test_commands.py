"""`appoint dead-letters`, `appoint events`, and notification metrics."""

from support.notifications import DEAD, add_notification
from support.world import create_clinic, ensure_clinic


async def test_the_command_line_lists_and_resends_dead_letters(client, db, run_command):
    await create_clinic(client)
    id = await add_notification(db, status="dead")
    for command, expected in (
        (("list", "--json"), DEAD),
        (("resend", id), "1 will be sent again."),
        (("list",), "There are no dead letters."),
        (("resend", id), "it is queued"),
        (("resend",), "Give either notification ids or --all."),
        (("list", "--most", "-5"), "Must be >= 1"),
    ):
        assert expected in (await run_command("dead-letters", *command)).text
    assert await db.fetchval("select status from notification") == "queued"


async def test_the_command_line_lists_and_releases_parked_events(db, run_command):
    await ensure_clinic(db, 1)
    await db.execute(
        """
        insert into event (clinic_id, type, subject_id, subject_version, data, parked_at, attempts, fault)
        values (1, 'appointment.changed', 'a', 1, '{}', now(), 8, 'LookupError')
        """
    )
    for command, expected in (
        (("parked",), "Look"),
        (("release", "--all"), "1 will be relayed again."),
        (("parked",), "There are no parked events."),
    ):
        assert expected in (await run_command("events", *command)).text


async def test_metrics_show_backlogs_and_dead_letters(client, db):
    await create_clinic(client)
    await db.execute("delete from event")  # the clinic's own events
    for status in ("queued", "dead", "dead"):
        await add_notification(db, status=status)
    await db.execute("update notification set due_at = now() - interval '1 hour' where status = 'queued'")
    await db.execute(
        """
        insert into event (clinic_id, type, subject_id, subject_version, data, created_at)
        values (1, 'appointment.changed', 'a', 1, '{}', now() - interval '1 minute')
        """
    )
    metrics = dict(
        line.rsplit(" ", 1) for line in (await client.get("/metrics")).text.splitlines() if line.startswith("appoint_")
    )
    assert (float(metrics['appoint_dead_letters{channel="email"}']), float(metrics["appoint_event_backlog"])) == (
        2,
        1,
    )
    assert 3600 <= float(metrics['appoint_notification_lag_seconds{channel="email"}']) < 4000
    assert 60 <= float(metrics["appoint_event_lag_seconds"]) < 500
