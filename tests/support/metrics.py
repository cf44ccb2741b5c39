"""Metrics from a server process."""

import re

import httpx2

FRESH = {"Cache-Control": "no-cache"}


def metric(http: httpx2.Client, name: str) -> float:
    """Return a metric's value, or 0 if it is absent."""
    match = re.search(rf"^{re.escape(name)} (.*)$", http.get("/metrics", headers=FRESH).text, re.MULTILINE)
    return float(match[1]) if match else 0
