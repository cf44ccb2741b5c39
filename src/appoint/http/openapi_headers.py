"""Request and response headers, as the OpenAPI document describes them."""

from typing import Any, Final

HEADERS: Final[dict[str, dict[str, Any]]] = {
    "ETag": {
        "description": "The version of the resource in this response.",
        "required": True,
        "schema": {"type": "string"},
        "example": '"v1"',
    },
    "Link": {
        "description": "The next page, if there is one.",
        "schema": {"type": "string"},
        "example": '</api/clinics?limit=50&cursor=…>; rel="next"',
    },
    "Appoint-Position": {
        "description": "The position in the database's log after this change, for `Appoint-At-Least`. Absent if the "
        "installation has no replicas.",
        "schema": {"type": "string", "pattern": "^[0-9A-F]{1,8}/[0-9A-F]{1,8}$"},
        "example": "16/B374D848",
    },
    "Appoint-Missing-Cells": {
        "description": "The cells that did not respond in time, so that their clinics are missing. Absent if there are "
        "none.",
        "schema": {"type": "string"},
        "example": "north",
    },
    "Idempotent-Replayed": {
        "description": "Present if this is the response to a repeated request.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "Undo-URL": {
        "description": "Where staff can undo the change, with a POST request. Absent for other callers.",
        "schema": {"type": "string"},
        "example": "/api/steps/00000001-0197-8f5b-8c22-02e1f966150a/undo",
    },
    "X-Request-ID": {
        "description": "The request's id, as it appears in the server's log.",
        "schema": {"type": "string"},
    },
    "Content-Language": {
        "description": "The language of `title` and `detail`.",
        "required": True,
        "schema": {"type": "string", "enum": ["en", "de", "es", "fr"]},
    },
    "Retry-After": {
        "description": "How many seconds to wait before the next request.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
        "example": "2",
    },
    "RateLimit-Limit": {
        "description": "The number of requests allowed in a time window.",
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
        "example": "240",
    },
    "RateLimit-Remaining": {
        "description": "The number of requests left in the window.",
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
        "example": "239",
    },
    "RateLimit-Reset": {
        "description": "Seconds until the next window begins.",
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
        "example": "42",
    },
    "RateLimit-Policy": {
        "description": "The limit, and the length of the window in seconds.",
        "schema": {"type": "string"},
        "example": "240;w=60",
    },
    "WWW-Authenticate": {
        "description": "The authentication scheme to use.",
        "required": True,
        "schema": {"type": "string"},
        "example": 'Bearer realm="appoint"',
    },
}
LIMITS: Final = tuple(name for name in HEADERS if name.startswith("RateLimit-"))
"""Rate-limit headers. Responses to callers without a limit omit them."""
PARAMETERS: Final[dict[str, dict[str, Any]]] = {
    "Accept-Language": {
        "description": "The language of problem documents: en, de, es or fr.",
        "schema": {"type": "string"},
        "example": "de",
    },
    "X-Request-ID": {
        "description": "Your own id for this request. If it is missing or invalid, the server chooses one.",
        "schema": {"type": "string"},
        "example": "reception-4711",
    },
    "If-None-Match": {
        "description": "The ETag of your copy. The response is 304 if the copy is current.",
        "schema": {"type": "string"},
        "example": '"v1"',
    },
    "If-Match": {
        "description": "The ETag that your change is based on. The response is 412 if it is outdated.",
        "schema": {"type": "string"},
        "example": '"v1"',
    },
    "Appoint-At-Least": {
        "description": "An `Appoint-Position`. The response may be up to two seconds old, but includes all changes up "
        "to that position. `0/0` accepts any. Without this header, responses to callers with a token are current.",
        "schema": {"type": "string", "pattern": "^[0-9A-F]{1,8}/[0-9A-F]{1,8}$"},
        "example": "16/B374D848",
    },
    "Idempotency-Key": {
        "description": "Makes it safe to repeat the request: for 24 hours, requests with the same key and body get the "
        "first request's result.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
        "example": "8e03978e-40d5-43dd-bc93-6894a57f9324",
    },
}
