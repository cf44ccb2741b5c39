"""Requests to the payment provider: what is sent, and what responses mean."""

from datetime import UTC, datetime
from urllib.parse import parse_qsl

import msgspec
import pytest

from appoint.kit.errors import StartupError
from appoint.kit.money import Money
from appoint.payments.checkout import stripe_api
from appoint.payments.checkout.currencies import UnsupportedAmount
from appoint.payments.checkout.gateway import create_gateway, read_webhook_secrets
from appoint.payments.checkout.model import GatewayRefusal, GatewayUnavailable
from appoint.payments.checkout.port import SessionRequest
from appoint.payments.checkout.stripe_api import StripeGateway
from appoint.payments.checkout.transport import ProviderAddress, ProviderRequest, ProviderResponse, parse_address
from support.app import settings
from support.webhook_network import Listener, Names

ADDRESS = ProviderAddress("https://api.stripe.com", "sk_test_1")
SESSION = {"id": "cs_1", "object": "checkout.session", "status": "open", "url": "https://checkout.example/cs_1"}
REQUEST = SessionRequest(
    payment_id="0198",
    clinic_id=7,
    amount=Money(1250, "EUR"),
    description="Deposit",
    return_url="https://appoint.example/pay/1",
    cancel_url="https://appoint.example/pay/1?cancelled",
    expires_at=datetime(2027, 1, 12, 10, 35, tzinfo=UTC),
)


class Provider:
    """A provider that returns its prepared answers in order, then repeats the last one."""

    def __init__(self, *answers: ProviderResponse | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[ProviderRequest] = []

    async def __call__(self, request: ProviderRequest) -> ProviderResponse:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(stripe_api, "FIRST_PAUSE_SECONDS", 0)


def answer(content: object, status: int = 200) -> ProviderResponse:
    return ProviderResponse(status, msgspec.json.encode(content))


def failure(status: int, **error: object) -> ProviderResponse:
    return answer({"error": error}, status)


async def test_a_session_is_requested_with_ids_an_amount_and_a_pinned_version():
    provider = Provider(answer(SESSION))
    session = await StripeGateway(ADDRESS, provider).create_session(REQUEST, key="0198:session")
    [request] = provider.requests
    assert session.url == "https://checkout.example/cs_1"
    assert (request.method, request.path) == ("POST", "/v1/checkout/sessions")
    assert request.headers["Idempotency-Key"] == "0198:session"
    assert request.headers["Stripe-Version"] == "2026-10-28.endive"
    assert dict(parse_qsl(request.body.decode())) == {
        "mode": "payment",
        "client_reference_id": "0198",
        "line_items[0][quantity]": "1",
        "line_items[0][price_data][currency]": "eur",
        "line_items[0][price_data][unit_amount]": "1250",
        "line_items[0][price_data][product_data][name]": "Deposit",
        "success_url": "https://appoint.example/pay/1",
        "cancel_url": "https://appoint.example/pay/1?cancelled",
        "expires_at": "1799750100",
        "locale": "auto",
        "metadata[payment_id]": "0198",
        "metadata[clinic_id]": "7",
        "payment_intent_data[metadata][payment_id]": "0198",
        "payment_intent_data[metadata][clinic_id]": "7",
    }


@pytest.mark.parametrize(
    "trouble",
    [
        GatewayUnavailable("lost"),
        failure(500, type="api_error"),
        failure(429, type="rate_limit_error"),
        failure(409, type="idempotency_error"),
        ProviderResponse(502, b"<html>"),
        ProviderResponse(200, b"{"),
    ],
)
async def test_a_request_with_an_unknown_outcome_is_repeated_with_the_same_key(trouble):
    provider = Provider(trouble, answer(SESSION))
    gateway = StripeGateway(ADDRESS, provider)
    if trouble == ProviderResponse(200, b"{"):
        with pytest.raises(GatewayUnavailable):
            await gateway.create_session(REQUEST, key="one")
    session = await gateway.create_session(REQUEST, key="one")
    assert (session.id, [request.headers["Idempotency-Key"] for request in provider.requests]) == (
        "cs_1",
        ["one", "one"],
    )


async def test_the_provider_counts_as_unavailable_after_three_attempts():
    provider = Provider(failure(503, type="api_error"))
    gateway = StripeGateway(ADDRESS, provider)
    with pytest.raises(GatewayUnavailable):
        await gateway.get_session("cs_1")
    assert (len(provider.requests), str(gateway.outage)) == (3, "the payment provider responded with 503")
    provider.answers = [answer(SESSION)]
    await gateway.get_session("cs_1")
    assert gateway.outage is None


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        (failure(402, code="card_declined", type="card_error"), "card_declined"),
        (failure(404, code="resource_missing"), "resource_missing"),
        (failure(400, type="invalid_request_error"), "invalid_request_error"),
        (ProviderResponse(401, b"no"), "unknown"),
        (answer([], 400), "unknown"),
    ],
)
async def test_a_refusal_is_final_and_keeps_only_the_code(refusal, code):
    provider = Provider(refusal)
    with pytest.raises(GatewayRefusal) as info:
        await StripeGateway(ADDRESS, provider).get_intent("pi_1")
    assert (info.value.code, info.value.status, len(provider.requests)) == (code, refusal.status, 1)


async def test_an_amount_that_cannot_be_expressed_is_not_sent():
    provider = Provider(answer(SESSION))
    with pytest.raises(UnsupportedAmount):
        await StripeGateway(ADDRESS, provider).create_session(
            REQUEST._replace(amount=Money(1, "KWD")), key="0198:session"
        )
    assert provider.requests == []


async def test_a_list_is_read_page_by_page():
    page = [{"id": f"dp_{n}", "status": "lost", "amount": 1, "currency": "eur"} for n in (1, 2, 3)]
    provider = Provider(answer({"data": page[:2], "has_more": True}), answer({"data": page[2:], "has_more": False}))
    disputes = StripeGateway(ADDRESS, provider).list_disputes(since=datetime(2027, 1, 1, tzinfo=UTC))
    assert [dispute.id async for dispute in disputes] == ["dp_1", "dp_2", "dp_3"]
    assert [dict(parse_qsl(request.path.partition("?")[2])) for request in provider.requests] == [
        {"limit": "100", "created[gte]": "1798761600"},
        {"limit": "100", "created[gte]": "1798761600", "starting_after": "dp_2"},
    ]


async def test_ids_cannot_lead_to_other_paths():
    provider = Provider(answer(SESSION))
    await StripeGateway(ADDRESS, provider).get_session("../account?x=")
    assert provider.requests[0].path == "/v1/checkout/sessions/..%2Faccount%3Fx%3D"


async def test_a_provider_on_a_private_network_is_not_connected_to(monkeypatch):
    """Only a provider on this machine, which the setting names, is exempt."""
    Names(monkeypatch)["api.stripe.example"] = [["127.0.0.1"]]
    async with Listener() as listener:
        gateway = StripeGateway(parse_address(f"https://sk_1@api.stripe.example:{listener.port}"))
        with pytest.raises(GatewayUnavailable):
            await gateway.get_session("cs_1")
        await gateway.aclose()
    assert listener.requests == []


async def test_a_provider_on_this_machine_is_reached_over_http():
    body = msgspec.json.encode(SESSION)
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
    async with Listener(head + body) as listener:
        gateway = StripeGateway(parse_address(f"http://sk_1@127.0.0.1:{listener.port}/dev/payments"))
        session = await gateway.create_session(REQUEST, key="0198:session")
        await gateway.aclose()
    assert session.id == "cs_1"
    assert listener.requests[0].startswith(b"POST /dev/payments/v1/checkout/sessions HTTP/1.1\r\nHost: 127.0.0.1:")


@pytest.mark.parametrize(
    "url",
    [
        "https://api.stripe.com",
        "https://sk:secret@api.stripe.com",
        "http://sk_live_1@api.stripe.com",
        "ftp://sk_live_1@api.stripe.com",
        "https://sk_live_1@",
        "https://sk_live_1@api.stripe.com?x=1",
        "https://sk_live_1@api.stripe.com:port",
    ],
)
def test_an_unusable_address_is_refused_at_startup_without_its_key(url):
    with pytest.raises(StartupError, match=r"^APPOINT_PAYMENTS_URL ") as info:
        create_gateway(settings(payments_url=url, payments_webhook_secrets="whsec_1"))
    assert "sk_live_1" not in str(info.value)


def test_a_provider_needs_a_webhook_secret():
    with pytest.raises(StartupError, match=r"^APPOINT_PAYMENTS_WEBHOOK_SECRETS is missing"):
        create_gateway(settings(payments_url="https://sk_live_1@api.stripe.com"))


def test_several_webhook_secrets_can_be_valid():
    assert read_webhook_secrets(settings(payments_webhook_secrets="whsec_1, whsec_2,")) == ["whsec_1", "whsec_2"]


def test_only_development_falls_back_on_the_development_gateway():
    gateway = create_gateway(settings(port=8123))
    assert gateway
    assert gateway.address == ("http://127.0.0.1:8123/dev/payments", "sk_test_development")
    assert create_gateway(settings(mode="production")) is None
    assert read_webhook_secrets(settings(mode="production")) == []
