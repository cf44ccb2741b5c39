"""Stripe's API, or one like it."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Final, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from ...kit.money import Money
from .currencies import to_provider
from .model import (
    API_VERSION,
    BalanceTransaction,
    CheckoutSession,
    Dispute,
    FormValue,
    GatewayRefusal,
    GatewayUnavailable,
    ListPage,
    PaymentIntent,
    Refund,
    SetupIntent,
    encode_form,
    parse_failure,
)
from .port import CardRequest, SessionRequest, StoredCardCharge
from .transport import PooledTransport, ProviderAddress, ProviderRequest, Transport

T = TypeVar("T", bound=msgspec.Struct)
MAX_ATTEMPTS: Final = 3
FIRST_PAUSE_SECONDS: Final = 0.2
"""Doubles with each attempt."""
PAGE_SIZE: Final = 100
MAX_PAGES: Final = 1000


class StripeGateway:
    """Stripe, or a gateway with the same API."""

    def __init__(self, address: ProviderAddress, transport: Transport | None = None) -> None:
        self.address: Final = address
        self._transport: Final = transport or PooledTransport(address)
        self.outage: GatewayUnavailable | None = None
        """Why the latest request got no usable response, or None if it got one."""

    async def aclose(self) -> None:
        """Close the connections to the provider."""
        if isinstance(self._transport, PooledTransport):
            await self._transport.aclose()

    async def create_session(self, request: SessionRequest, *, key: str) -> CheckoutSession:
        references: FormValue = {"payment_id": request.payment_id, "clinic_id": str(request.clinic_id)}
        return await self._post(
            "/v1/checkout/sessions",
            {
                "mode": "payment",
                "client_reference_id": request.payment_id,
                "line_items": [
                    {
                        "quantity": 1,
                        "price_data": {
                            "currency": request.amount.currency.lower(),
                            "unit_amount": to_provider(request.amount),
                            "product_data": {"name": request.description},
                        },
                    }
                ],
                "success_url": request.return_url,
                "cancel_url": request.cancel_url,
                "expires_at": int(request.expires_at.timestamp()),
                "locale": "auto",
                "metadata": references,
                "payment_intent_data": {"metadata": references},
            },
            CheckoutSession,
            key=key,
        )

    async def create_card_session(self, request: CardRequest, *, key: str) -> CheckoutSession:
        references: FormValue = {"card_id": request.reference, "clinic_id": str(request.clinic_id)}
        return await self._post(
            "/v1/checkout/sessions",
            {
                "mode": "setup",
                "client_reference_id": request.reference,
                "currency": request.currency.lower(),
                "customer_creation": "always",
                "success_url": request.return_url,
                "cancel_url": request.cancel_url,
                "locale": request.language,
                "metadata": references,
                "setup_intent_data": {"metadata": references},
            },
            CheckoutSession,
            key=key,
        )

    async def expire_session(self, session_id: str) -> CheckoutSession:
        path = f"/v1/checkout/sessions/{_segment(session_id)}/expire"
        return await self._post(path, {}, CheckoutSession, key=f"{session_id}:expire")

    async def get_session(self, session_id: str) -> CheckoutSession:
        return await self._get(f"/v1/checkout/sessions/{_segment(session_id)}", CheckoutSession)

    async def get_intent(self, intent_id: str) -> PaymentIntent:
        return await self._get(f"/v1/payment_intents/{_segment(intent_id)}", PaymentIntent)

    async def capture_intent(self, intent_id: str, *, key: str) -> PaymentIntent:
        return await self._post(f"/v1/payment_intents/{_segment(intent_id)}/capture", {}, PaymentIntent, key=key)

    async def cancel_intent(self, intent_id: str, *, key: str) -> PaymentIntent:
        return await self._post(f"/v1/payment_intents/{_segment(intent_id)}/cancel", {}, PaymentIntent, key=key)

    async def charge_stored_card(self, charge: StoredCardCharge, *, key: str) -> PaymentIntent:
        return await self._post(
            "/v1/payment_intents",
            {
                "amount": to_provider(charge.amount),
                "currency": charge.amount.currency.lower(),
                "customer": charge.customer,
                "payment_method": charge.payment_method,
                "off_session": True,
                "confirm": True,
                "metadata": {"payment_id": charge.payment_id, "clinic_id": str(charge.clinic_id)},
            },
            PaymentIntent,
            key=key,
        )

    async def get_setup_intent(self, intent_id: str) -> SetupIntent:
        return await self._get(f"/v1/setup_intents/{_segment(intent_id)}", SetupIntent)

    async def create_refund(self, intent_id: str, amount: Money, *, refund_id: str, key: str) -> Refund:
        form: Mapping[str, FormValue] = {
            "payment_intent": intent_id,
            "amount": to_provider(amount),
            "metadata": {"refund_id": refund_id},
        }
        return await self._post("/v1/refunds", form, Refund, key=key)

    async def get_refund(self, refund_id: str) -> Refund:
        return await self._get(f"/v1/refunds/{_segment(refund_id)}", Refund)

    async def get_dispute(self, dispute_id: str) -> Dispute:
        return await self._get(f"/v1/disputes/{_segment(dispute_id)}", Dispute)

    def list_intents(self, *, since: datetime) -> AsyncIterator[PaymentIntent]:
        return self._list("/v1/payment_intents", PaymentIntent, since)

    def list_refunds(self, *, since: datetime) -> AsyncIterator[Refund]:
        return self._list("/v1/refunds", Refund, since)

    def list_disputes(self, *, since: datetime) -> AsyncIterator[Dispute]:
        return self._list("/v1/disputes", Dispute, since)

    def list_balance_transactions(self, *, since: datetime) -> AsyncIterator[BalanceTransaction]:
        return self._list("/v1/balance_transactions", BalanceTransaction, since)

    async def _list(self, path: str, kind: type[T], since: datetime) -> AsyncIterator[T]:
        """Yield all objects created since the given time, newest first."""
        after: str | None = None
        for _ in range(MAX_PAGES):
            query: Mapping[str, FormValue] = {
                "limit": PAGE_SIZE,
                "created": {"gte": int(since.timestamp())},
                "starting_after": after,
            }
            page = await self._get(f"{path}?{urlencode(encode_form(query))}", ListPage)
            for raw in page.data:
                item = msgspec.json.decode(raw, type=kind)
                after = str(getattr(item, "id", ""))
                yield item
            if not page.has_more or not page.data:
                return

    async def _get(self, path: str, kind: type[T]) -> T:
        return _decode(await self._send("GET", path, b"", key=None), kind)

    async def _post(self, path: str, form: Mapping[str, FormValue], kind: type[T], *, key: str) -> T:
        return _decode(await self._send("POST", path, urlencode(encode_form(form)).encode(), key=key), kind)

    async def _send(self, method: str, path: str, body: bytes, *, key: str | None) -> bytes:
        """Send a request, again with the same key if its outcome is unknown, and return the response's body."""
        headers = {
            "Authorization": "Basic " + b64encode(f"{self.address.key}:".encode()).decode(),
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "Appoint-Payments",
            "Stripe-Version": API_VERSION,
        }
        if key is not None:
            headers |= {"Idempotency-Key": key, "Content-Type": "application/x-www-form-urlencoded"}
        failure = GatewayUnavailable()
        for attempt in range(MAX_ATTEMPTS):
            if attempt:
                await asyncio.sleep(FIRST_PAUSE_SECONDS * 2 ** (attempt - 1))
            try:
                response = await self._transport(ProviderRequest(method, path, headers, body))
            except GatewayUnavailable as error:
                failure = error
                continue
            if 200 <= response.status < 300:
                self.outage = None
                return response.body
            refusal = parse_failure(response.status, response.body)
            if not _is_temporary(refusal):
                self.outage = None
                raise refusal
            failure = GatewayUnavailable(f"the payment provider responded with {response.status}")
        self.outage = failure
        raise failure


def _is_temporary(refusal: GatewayRefusal) -> bool:
    """Return whether the same request may succeed later. A conflict means that a request with the same key is still
    under way."""
    return (
        refusal.status >= 500 or refusal.status == 429 or (refusal.status == 409 and refusal.code != "resource_missing")
    )


def _decode(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, ValueError):  # the outcome is unknown
        raise GatewayUnavailable("the payment provider sent an unreadable response") from None


def _segment(id: str) -> str:
    return quote(id, safe="")
