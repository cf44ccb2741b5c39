"""What `/metrics` shows. Labels are names of routes, statements and outcomes: never ids, never a person."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

REQUESTS: Final = Counter("appoint_requests_total", "Requests answered", ["operation", "status"])
REQUEST_SECONDS: Final = Histogram("appoint_request_seconds", "From a request's arrival to its answer", ["operation"], buckets=SECONDS)
BOOKINGS: Final = Counter("appoint_bookings_total", "Bookings by outcome: booked, replayed, or the reason of the refusal", ["outcome"])
QUERY_SECONDS: Final = Histogram("appoint_query_seconds", "Statements, by the function that holds them", ["statement"], buckets=SECONDS)
POOL_WAIT: Final = Histogram("appoint_pool_wait_seconds", "Waiting for a database connection", buckets=SECONDS)
POOL_CONNECTIONS: Final = Gauge("appoint_pool_connections", "Database connections of this process", ["state"])
EVENT_BACKLOG: Final = Gauge("appoint_event_backlog", "Events in the outbox, not counted beyond 100,000")
