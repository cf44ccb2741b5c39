"""Objects are encrypted, can be read in parts, and are gone when their key is."""

import hashlib
from collections.abc import AsyncIterator

import pytest

from appoint.kit.blobs import CHUNK_BYTES, BlobError, BlobStore, new_key, plaintext_size

CONTENT = bytes(range(251)) * 1000
"""Almost four chunks."""


async def parts(content: bytes, size: int = 10_000) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def read(store: BlobStore, key: bytes, start: int = 0, end: int | None = None) -> bytes:
    return b"".join([part async for part in store.read("a/b", key=key, size=len(CONTENT), start=start, end=end)])


@pytest.fixture
def store(tmp_path) -> BlobStore:
    return BlobStore(None, tmp_path / "blobs")


async def test_an_object_can_be_read_again(store):
    key = new_key()
    blob = await store.put("a/b", parts(CONTENT), key=key)
    assert blob == (len(CONTENT), hashlib.sha256(CONTENT).digest())
    assert await read(store, key) == CONTENT


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (0, 1),
        (CHUNK_BYTES - 1, CHUNK_BYTES + 1),
        (CHUNK_BYTES, 2 * CHUNK_BYTES),
        (len(CONTENT) - 1, None),
        (5, 10**9),
        (7, 7),
    ],
)
async def test_any_part_can_be_read(store, start, end):
    key = new_key()
    await store.put("a/b", parts(CONTENT), key=key)
    assert await read(store, key, start, end) == CONTENT[start:end]


async def test_the_store_contains_nothing_readable(store, tmp_path):
    await store.put("a/b", parts(CONTENT), key=new_key())
    assert CONTENT[:16] not in (tmp_path / "blobs/a/b").read_bytes()


async def test_without_the_key_an_object_cannot_be_read(store):
    await store.put("a/b", parts(CONTENT), key=new_key())
    with pytest.raises(BlobError, match="tampered"):
        await read(store, new_key())


@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: b"\0" + data[1:], lambda data: data[65552:]])
async def test_a_changed_object_cannot_be_read(store, tmp_path, change):
    key, path = new_key(), tmp_path / "blobs/a/b"
    await store.put("a/b", parts(CONTENT), key=key)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(BlobError):
        await read(store, key)


async def test_an_object_cannot_take_anothers_place(store, tmp_path):
    key = new_key()
    await store.put("c", parts(CONTENT), key=key)
    (tmp_path / "blobs/a").mkdir()
    (tmp_path / "blobs/c").rename(tmp_path / "blobs/a/b")
    with pytest.raises(BlobError, match="tampered"):
        await read(store, key)


async def test_deleting_an_object_twice_is_no_failure(store):
    key = new_key()
    await store.put("a/b", parts(CONTENT), key=key)
    await store.delete(["a/b", "a/b"])
    with pytest.raises(BlobError, match="not read"):
        await read(store, key)


async def test_a_url_names_the_store(tmp_path):
    store, key = BlobStore(f"file://{tmp_path}", tmp_path / "unused"), new_key()
    await store.put("a/b", parts(CONTENT), key=key)
    assert (await read(store, key), (tmp_path / "a/b").exists()) == (CONTENT, True)


async def test_objects_are_listed_with_their_sizes_in_folders_and_buckets(tmp_path):
    for store in (BlobStore(None, tmp_path), BlobStore("memory:///", tmp_path)):
        assert await store.list() == []
        for name in ("a/b", "a/c", "d"):
            await store.put(name, parts(CONTENT), key=new_key())
        stored = await store.list()
        assert sorted(name for name, _ in stored) == ["a/b", "a/c", "d"]
        assert {plaintext_size(size) for _, size in stored} == {len(CONTENT)}
        assert sorted(name for name, _ in await store.list("a")) == ["a/b", "a/c"]
    with pytest.raises(BlobError, match="not listed"):
        await BlobStore("s3://nowhere-at-all/", tmp_path).list()
