"""A server process's log."""

import json
from typing import Any

from support.processes import Process, eventually


def log_line(server: Process, request_id: str) -> dict[str, Any]:
    """Wait for a request's line in the log, and return it."""

    def line_of_request() -> dict[str, Any] | None:
        lines = [json.loads(line) for line in server.lines if line.startswith("{") and f'"{request_id}"' in line]
        return next((line for line in lines if line["event"] == "request"), None)

    return eventually(line_of_request)
