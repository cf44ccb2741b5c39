"""The development gateway, called within this process: by the official library, and by our own port."""

from collections.abc import Mapping
from urllib.parse import urlsplit

import httpx2
import msgspec
import stripe

from appoint.payments.checkout.gateway import DEV_KEY, DEV_PATH, dev_webhook_secret
from appoint.payments.checkout.stripe_api import StripeGateway
from appoint.payments.checkout.transport import ProviderAddress, ProviderRequest, ProviderResponse
from appoint.payments.dev_gateway import jobs
from appoint.payments.dev_gateway.jobs import Send
from support.app import settings

BASE = f"http://testserver.local{DEV_PATH}"
SECRET = dev_webhook_secret(settings())
SESSION_FORM = {
    "mode": "payment",
    "client_reference_id": "0198",
    "line_items": [
        {
            "quantity": 1,
            "price_data": {"currency": "eur", "unit_amount": 1250, "product_data": {"name": "Deposit"}},
        }
    ],
    "success_url": "http://testserver.local/paid?session={CHECKOUT_SESSION_ID}",
    "cancel_url": "http://testserver.local/cancelled",
    "metadata": {"payment_id": "0198"},
    "payment_intent_data": {"metadata": {"payment_id": "0198"}},
}


class InProcess(stripe.HTTPClient):
    """Lets the official library call the application under test."""

    name = "in-process"

    def __init__(self, client: httpx2.AsyncClient) -> None:
        super().__init__()
        self.client = client

    async def request_async(self, method, url, headers, post_data=None):
        response = await self.client.request(method, url, headers=dict(headers), content=post_data)
        return response.content, response.status_code, response.headers

    async def close_async(self) -> None:
        """Leave the client to its owner."""


def official_library(client: httpx2.AsyncClient, key: str = DEV_KEY) -> stripe.StripeClient:
    """Return the provider's own client for the development gateway."""
    return stripe.StripeClient(key, http_client=InProcess(client), base_addresses={"api": BASE}, max_network_retries=0)


def our_gateway(client: httpx2.AsyncClient) -> StripeGateway:
    """Return our port, connected to the development gateway."""

    async def send(request: ProviderRequest) -> ProviderResponse:
        response = await client.request(
            request.method, BASE + request.path, headers=request.headers, content=request.body
        )
        return ProviderResponse(response.status_code, response.content)

    return StripeGateway(ProviderAddress(BASE, DEV_KEY), send)


async def choose(client: httpx2.AsyncClient, url: str, action: str, delivery: str = "prompt") -> httpx2.Response:
    """Press a button on the hosted page."""
    return await client.post(urlsplit(url).path, data={"action": action, "delivery": delivery})


class Inbox:
    """Receives the development gateway's events, and records them."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.requests: list[ProviderRequest] = []

    async def __call__(self, request: ProviderRequest) -> ProviderResponse:
        self.requests.append(request)
        return ProviderResponse(self.status, b"")

    @property
    def types(self) -> list[str]:
        return [msgspec.json.decode(request.body)["type"] for request in self.requests]


async def deliver(db, send: Send, *, now) -> int:
    """Deliver the events that are due."""
    return await jobs.deliver_due(db, send, secret=SECRET, now=lambda: now)


def event_headers(request: ProviderRequest) -> Mapping[str, str]:
    return {name.lower(): value for name, value in request.headers.items()}
