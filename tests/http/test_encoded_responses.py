"""Encoded responses are sent without the framework's help, and exactly as it would send them."""

import pytest
from litestar import Response

from appoint.http.responses import Encoded, encoded_response

FROM_ROUTE = {"background": None, "cookies": [], "headers": {}, "media_type": "application/json", "status_code": 200}


class Request:
    method = "GET"

    def __init__(self, **headers):
        self.headers = headers


async def messages_of(response):
    messages = []

    async def send(message):
        messages.append(message)

    await response({}, None, send)
    return messages


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"status_code": 201, "headers": {"Location": "/api/appointments/é"}},
        {"subjects": ["1"]},
        {"media_type": "application/pdf"},
        {"media_type": "text/csv"},
    ],
)
@pytest.mark.parametrize("cookie", [None, "a"])
async def test_an_encoded_response_is_sent_as_the_framework_would(options, cookie):
    request = Request()
    response = encoded_response(request, Encoded(b'{"a":1}', '"3"'), **options)
    if cookie:
        response.set_cookie(cookie, "b")
    sent = await messages_of(response.to_asgi_response(None, request, **FROM_ROUTE))
    assert sent == await messages_of(Response.to_asgi_response(response, None, request, **FROM_ROUTE))


async def test_a_caller_who_has_the_content_gets_no_body():
    request = Request(**{"if-none-match": '"3"'})
    response = encoded_response(request, Encoded(b'{"a":1}', '"3"'))
    head, body = await messages_of(response.to_asgi_response(None, request, **FROM_ROUTE))
    assert (head["status"], body["body"]) == (304, b"")
