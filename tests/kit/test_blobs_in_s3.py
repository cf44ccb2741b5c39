"""Objects in an S3 bucket."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest

from appoint.kit.blobs import BlobError, BlobStore, new_key
from support import s3
from support.processes import free_port

VIDEO = os.urandom(1024) * 12 * 1024
"""More than one part of a multipart upload."""

pytestmark = [s3.needs_moto, pytest.mark.xdist_group("moto")]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with s3.s3_with("recordings-of-lakeside") as url:
        yield url


@pytest.fixture
def store(endpoint, tmp_path, monkeypatch) -> BlobStore:
    s3.use(monkeypatch, endpoint)
    return BlobStore("s3://recordings-of-lakeside/appoint", tmp_path)


async def parts(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), 100_000):
        yield content[start : start + 100_000]


async def test_a_recording_in_a_bucket_is_encrypted_and_can_be_read_in_parts_and_deleted(store, endpoint, tmp_path):
    key, name = new_key(), "recordings/1/first"
    blob = await store.put(name, parts(VIDEO), key=key)
    assert blob == (len(VIDEO), hashlib.sha256(VIDEO).digest())
    whole = b"".join([part async for part in store.read(name, key=key, size=blob.size)])
    assert hashlib.sha256(whole).digest() == blob.sha256
    some = b"".join([part async for part in store.read(name, key=key, size=blob.size, start=9_999_999, end=10_000_050)])
    assert some == VIDEO[9_999_999:10_000_050]

    raw = await asyncio.to_thread(httpx2.get, f"{endpoint}/recordings-of-lakeside/appoint/{name}")
    assert (raw.status_code, len(raw.content) > len(VIDEO), VIDEO[:64] in raw.content) == (200, True, False)
    assert list(tmp_path.iterdir()) == []

    for _ in range(2):
        await store.delete([name])
    gone = await asyncio.to_thread(httpx2.get, f"{endpoint}/recordings-of-lakeside/appoint/{name}")
    assert gone.status_code == 404


async def test_an_unreachable_bucket_is_an_error_without_secrets(store, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(BlobError) as error:
        await store.put("recordings/1/second", parts(b"video"), key=new_key())
    assert "key" not in str(error.value)
