"""Generated secrets pass, and secrets that people choose do not."""

import base64
import re
import secrets
import uuid
from pathlib import Path

import pytest

from appoint.kit.guessable import is_guessable

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "secret",
    [
        "admin",
        "x" * 40,
        "abcdefghijklmnopqrstuvwxyz",
        "zyxwvutsrqponmlkjihgfedcba",
        "0123456789abcdef0123456789abcdef",
        "q7!Kx2#mq7!Kx2#mq7!Kx2#mq7!Kx2#m",
        "admin-token-for-production-2026",
        "please-change-this-secret-key-1",
        "Pl34s3-Ch4ng3-Th1s-S3cr3t-K3y!",
        "change-me-to-a-long-random-string",
        "correct horse battery staple 2026",
        "openssl rand -base64 32",
        "MyLakesideClinicToken_92841!",
        "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
        "the administrator's token",
        "signs links in tests",
    ],
)
def test_a_secret_that_someone_chose_is_guessable(secret):
    assert is_guessable(secret)


@pytest.mark.parametrize(
    "generate",
    [
        lambda: secrets.token_urlsafe(32),
        lambda: secrets.token_hex(16),
        lambda: secrets.token_hex(32),
        lambda: base64.b64encode(secrets.token_bytes(32)).decode(),
        lambda: str(uuid.uuid4()),
    ],
    ids=["urlsafe", "hex 16", "hex 32", "base64", "uuid"],
)
def test_generated_secrets_are_almost_never_guessable(generate):
    """About one in ten thousand contains a word by chance."""
    assert sum(is_guessable(generate()) for _ in range(1000)) <= 3


def test_every_secret_in_the_documentation_is_guessable():
    """People copy examples, so none may work in production."""
    texts = [path.read_text() for path in (ROOT / "README.md", ROOT / "compose.yaml", *ROOT.glob("docs/**/*.md"))]
    examples = [
        found.strip("\"'`")
        for text in texts
        for found in re.findall(r"(?:ADMIN_TOKEN|SECRET_KEY|PASSWORD)=([^\s`]+)", text)
    ]
    assert [example for example in examples if not is_guessable(example)] == []
