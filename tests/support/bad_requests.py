"""Requests with bad input, and the problem documents they get in response."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from appoint.http.openapi import Operation
from support.app import ADMIN
from support.described import address
from support.hours import COMING_MONDAY
from support.world import World, at

UNKNOWN_ID = "00000001-0197-8cb1-8c0b-0be260bd516d"
"""An id that belongs to the first clinic but doesn't match any row."""


def evening(minutes: int) -> datetime:
    """Return a time on the coming Monday, the given number of minutes after 18:00 UTC."""
    return at(18, day=COMING_MONDAY) + timedelta(minutes=minutes)


def booking_request(world: World, minutes: int, *, customer: UUID | None = None) -> dict[str, Any]:
    """Return the body of a half-hour booking in the evening."""
    return {
        "clinicId": world.clinic,
        "customerId": str(customer or world.ana),
        "doctorId": str(world.dr_shah),
        "startTime": evening(minutes).isoformat(),
        "endTime": evening(minutes + 30).isoformat(),
    }


async def send(client, operation: Operation, path: str | None = None, **options: Any):
    """Send JSON to an operation as the administrator."""
    headers = ADMIN | {"Content-Type": "application/json"} | options.pop("headers", {})
    return await client.request(operation.method, path or address(operation), headers=headers, **options)


def faults(response, *statuses: int) -> dict[str, str]:
    """Check that the response is a problem document with one of the statuses. Return its faults by pointer."""
    problem = response.json()
    assert response.status_code in statuses, (str(response.request.url)[:200], response.text[:500])
    assert response.headers["Content-Type"] == "application/problem+json"
    assert problem["requestId"] == response.headers["X-Request-ID"]
    assert all(problem[member] for member in ("type", "title", "detail", "instance"))
    assert problem["status"] == response.status_code
    faults = {fault["pointer"]: fault["detail"] for fault in problem.get("errors", [])}
    assert faults or problem["type"] != "/problems/invalid-request"
    return faults
