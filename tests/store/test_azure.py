"""What Azure's store refuses is said as what S3 refuses is; in its own words, as Azurite 3.37.0 answered."""

from pathlib import Path

import pytest

from store.bucket import bucket_at
from store.errors import MediaRefused
from store.media_bucket import MediaBucket
from tests.s3_server import answering


@pytest.mark.parametrize(
    ("status", "said"), [(404, "ContainerNotFound"), (403, "AuthorizationFailure")], ids=["no container", "wrong key"]
)
def test_what_azure_refuses_is_said(status: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><Error><Code>{said}</Code></Error>'.encode()
    with answering(status, body) as address:
        monkeypatch.setenv("AZURE_STORAGE_USE_EMULATOR", "true")
        monkeypatch.setenv("AZURITE_BLOB_STORAGE_URL", address)
        media = MediaBucket(bucket_at("az://sounds/deep"), tmp_path, 1.0)
        with pytest.raises(MediaRefused, match="MEDIA_URL and its key"):
            media.put_bytes(b"sound", ".ogg")
        with pytest.raises(MediaRefused):
            media.keys()
