"""A server process's metrics."""

from support.metrics import metric


async def test_metrics_count_requests_statements_connections_and_events(http, db):
    before = metric(http, 'appoint_requests_total{operation="listClinics",status="200"}')
    http.get("/api/clinics")
    assert metric(http, 'appoint_requests_total{operation="listClinics",status="200"}') == before + 1
    assert metric(http, 'appoint_request_seconds_count{operation="listClinics"}') > 0
    assert metric(http, 'appoint_query_seconds_count{statement="clinics.list_active"}') > 0
    assert metric(http, 'appoint_pool_connections{state="idle"}') > 0
    assert metric(http, "appoint_pool_wait_seconds_count") > 0
    await db.execute(
        """
        insert into event (clinic_id, type, subject_id, subject_version, data)
        select 0, 'clinic.tested', '1', 1, '{}' from generate_series(1, 3)
        """
    )
    assert metric(http, "appoint_event_backlog") == 3
    await db.execute(
        """
        with job as (insert into job_run (name, due_at, finished_at) values ('store-wal', now(), now()))
        insert into backup_gap (began_at, ended_at) values ('2026-11-01', '2026-11-02'), ('2026-11-03', null)
        """
    )
    gaps = [metric(http, f'appoint_backup_gaps{{state="{state}"}}') for state in ("open", "closed")]
    assert gaps == [1, 1]
