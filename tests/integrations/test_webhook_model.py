"""Webhook signatures, and the waits between attempts."""

from base64 import b64decode
from datetime import UTC, datetime
from itertools import accumulate

from appoint.integrations.webhooks import model, retries


def test_signatures_match_the_standard_webhooks_reference():
    """The test vector comes from the reference libraries."""
    headers = model.signed_headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        b'{"test": 2432232314}',
        secrets=[b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")],
        now=datetime.fromtimestamp(1614265330, UTC),
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_the_waits_between_attempts_grow_and_vary():
    earliest, middle, latest = (
        [retries.retry_delay(attempts, jitter=jitter) for attempts in range(1, 9)] for jitter in (0, 0.5, 1)
    )
    assert [str(wait) for wait in accumulate(wait for wait in middle if wait)] == [
        "0:00:05",
        "0:01:05",
        "0:06:05",
        "0:36:05",
        "2:36:05",
        "8:36:05",
        "23:36:05",
    ]
    assert all(a < b < c for a, b, c in zip(earliest[:7], middle[:7], latest[:7], strict=True))
    assert all(late < early for late, early in zip(latest[:6], earliest[1:7], strict=True))
    assert earliest[7] is middle[7] is latest[7] is None
