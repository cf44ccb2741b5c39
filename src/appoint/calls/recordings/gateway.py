"""The store for recordings."""

from ...kit.blobs import BlobStore
from ...settings import Settings


def open_store(settings: Settings) -> BlobStore:
    """Return the store that the settings name, or one in the data directory."""
    url = settings.blob_url.get_secret_value() if settings.blob_url else None
    return BlobStore(url, settings.data_dir / "blobs")
