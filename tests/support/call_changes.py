"""All operations that change video visits, in an order that gives each what it needs."""

from typing import Any


async def change_calls(run: Any) -> None:
    """Run each operation with `run(operation_id, body, **path_parameters)`, which returns the response's content."""
    await run("replaceCallSettings", {"gateway": "link", "url": "https://meet.example.org/room"}, clinicId=1)
    await run("testCallSettings", clinicId=1)
