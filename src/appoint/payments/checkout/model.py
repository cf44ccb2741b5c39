"""The payment provider's objects, as far as Appoint reads them, and its answers to requests that failed."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

API_VERSION: Final = "2026-10-28.endive"
"""The version of the provider's API that requests and events use."""

FormValue = str | int | bool | None | Mapping[str, "FormValue"] | Sequence["FormValue"]
IntentStatus = Literal[
    "requires_payment_method",
    "requires_confirmation",
    "requires_action",
    "processing",
    "requires_capture",
    "succeeded",
    "canceled",
]


class GatewayUnavailable(Exception):
    """The provider cannot be reached, is overloaded or has failed. Whether it did anything is unknown, so the request
    must be repeated with the same key."""


class GatewayRefusal(Exception):
    """The provider has refused the request, and nothing has changed."""

    def __init__(self, status: int, code: str, intent_id: str | None = None) -> None:
        super().__init__(f"{code} ({status})")
        self.status: Final = status
        self.code: Final = code
        self.intent_id: Final = intent_id


class _Object(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    created: int = 0
    metadata: dict[str, str] = {}


class CheckoutSession(_Object, frozen=True, kw_only=True):
    """A visit to the provider's hosted page."""

    status: Literal["open", "complete", "expired"]
    payment_status: Literal["paid", "unpaid", "no_payment_required"] = "unpaid"
    mode: Literal["payment", "setup"] = "payment"
    url: str | None = None
    """The hosted page's address, while the session is open."""
    expires_at: int = 0
    payment_intent: str | None = None
    setup_intent: str | None = None
    customer: str | None = None
    client_reference_id: str | None = None
    amount_total: int | None = None
    currency: str | None = None


class PaymentIntent(_Object, frozen=True, kw_only=True):
    """One attempt to collect an amount, through all its states."""

    status: IntentStatus
    amount: int
    amount_received: int = 0
    currency: str
    latest_charge: str | None = None
    customer: str | None = None
    payment_method: str | None = None


class SetupIntent(_Object, frozen=True, kw_only=True):
    """A card that its owner has agreed to have stored."""

    status: str
    customer: str | None = None
    payment_method: str | None = None


class Refund(_Object, frozen=True, kw_only=True):
    status: Literal["pending", "requires_action", "succeeded", "failed", "canceled"]
    amount: int
    currency: str
    payment_intent: str | None = None
    failure_reason: str | None = None


class Dispute(_Object, frozen=True, kw_only=True):
    status: str
    amount: int
    currency: str
    payment_intent: str | None = None
    reason: str = ""

    @property
    def outcome(self) -> Literal["open", "won", "lost"]:
        """What the dispute means for the payment. A warning that is closed costs nothing."""
        match self.status:
            case "won" | "warning_closed" | "prevented":
                return "won"
            case "lost":
                return "lost"
            case _:
                return "open"


class BalanceTransaction(_Object, frozen=True, kw_only=True):
    """A movement on our balance at the provider."""

    type: str
    amount: int
    fee: int
    net: int
    currency: str
    source: str | None = None


class ProviderEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A hint that an object has changed."""

    id: str
    type: str
    created: int = 0
    data: "EventData"


class EventData(msgspec.Struct, frozen=True):
    object: "EventObject"


class EventObject(msgspec.Struct, frozen=True, kw_only=True):
    """The object that an event is about. Only its identity is read, because it may be out of date."""

    id: str
    object: str = ""
    payment_intent: str | None = None


class ListPage(msgspec.Struct, frozen=True):
    """One page of a list."""

    data: list[msgspec.Raw]
    has_more: bool = False


def encode_form(parameters: Mapping[str, FormValue]) -> list[tuple[str, str]]:
    """Return the fields of a form with nested names such as `metadata[clinic]`. Members that are None are left out."""
    return [pair for name, value in parameters.items() for pair in _pairs(name, value)]


def _pairs(name: str, value: FormValue) -> Iterator[tuple[str, str]]:
    match value:
        case None:
            return
        case bool():
            yield name, "true" if value else "false"
        case str() | int():
            yield name, str(value)
        case Mapping():
            for key, member in value.items():
                yield from _pairs(f"{name}[{key}]", member)
        case _:
            for index, item in enumerate(value):
                yield from _pairs(f"{name}[{index}]", item)


def parse_failure(status: int, body: bytes) -> GatewayRefusal:
    """Return what a response with an error means. Its text is not kept, because it may repeat what we sent."""
    try:
        error: Any = msgspec.json.decode(body)["error"]
        code = str(error.get("code") or error.get("type") or "unknown")
        intent: Any = error.get("payment_intent") or {}
        intent_id = str(intent["id"]) if intent.get("id") else None
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError):
        return GatewayRefusal(status, "unknown")
    return GatewayRefusal(status, code[:100], intent_id)
