"""What use cases ask of the payment provider."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import NamedTuple, Protocol

from ...kit.money import Money
from .model import BalanceTransaction, CheckoutSession, Dispute, PaymentIntent, Refund, SetupIntent


class SessionRequest(NamedTuple):
    """A payment to collect on the hosted page."""

    payment_id: str
    clinic_id: int
    amount: Money
    description: str
    """What the page calls the purchase. It must not reveal anything about the payer's health."""
    return_url: str
    cancel_url: str
    expires_at: datetime


class CardRequest(NamedTuple):
    """A card to store on the hosted page, for later charges."""

    reference: str
    clinic_id: int
    currency: str
    return_url: str
    cancel_url: str
    language: str


class StoredCardCharge(NamedTuple):
    payment_id: str
    clinic_id: int
    amount: Money
    customer: str
    payment_method: str


class PaymentGateway(Protocol):
    """Every method raises `GatewayUnavailable` or `GatewayRefusal`. Methods that take `key` do their work once for each
    key, however often they are called."""

    async def create_session(self, request: SessionRequest, *, key: str) -> CheckoutSession:
        """Open a hosted page for a payment. Raise `UnsupportedAmount` without asking the provider if it cannot express
        the amount."""
        ...

    async def create_card_session(self, request: CardRequest, *, key: str) -> CheckoutSession:
        """Open a hosted page that stores a card for later."""
        ...

    async def expire_session(self, session_id: str) -> CheckoutSession:
        """Close a hosted page. Raise `GatewayRefusal` if it is no longer open."""
        ...

    async def get_session(self, session_id: str) -> CheckoutSession: ...

    async def get_intent(self, intent_id: str) -> PaymentIntent: ...

    async def capture_intent(self, intent_id: str, *, key: str) -> PaymentIntent:
        """Collect an authorised amount."""
        ...

    async def cancel_intent(self, intent_id: str, *, key: str) -> PaymentIntent:
        """Release an authorised amount, or abandon a payment that has not succeeded."""
        ...

    async def charge_stored_card(self, charge: StoredCardCharge, *, key: str) -> PaymentIntent:
        """Charge a stored card while its owner is away. Raise `GatewayRefusal` with the code `authentication_required`
        if the owner's bank wants to hear from them."""
        ...

    async def get_setup_intent(self, intent_id: str) -> SetupIntent: ...

    async def create_refund(self, intent_id: str, amount: Money, *, refund_id: str, key: str) -> Refund:
        """Return an amount to the card that it came from."""
        ...

    async def get_refund(self, refund_id: str) -> Refund: ...

    async def get_dispute(self, dispute_id: str) -> Dispute: ...

    def list_intents(self, *, since: datetime) -> AsyncIterator[PaymentIntent]: ...

    def list_refunds(self, *, since: datetime) -> AsyncIterator[Refund]: ...

    def list_disputes(self, *, since: datetime) -> AsyncIterator[Dispute]: ...

    def list_balance_transactions(self, *, since: datetime) -> AsyncIterator[BalanceTransaction]: ...
