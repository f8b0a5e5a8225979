"""Embed the voices that ship, with the model that ships, beside their clips: a first worker need not.

    .venv/bin/python scripts/embed_library.py

A file is named after the model's id, so that another model never takes it. Run it again when clips or model change;
tests/worker/library/test_shipped_embeddings.py says when.
"""

import tomllib

import numpy as np
from safetensors.numpy import save

from files.atomic import atomic_write
from models.speaker import resemblyzer
from pipeline.matching.match import embed_clips
from worker.library.seed import SHIPPED, shipped_embeddings


def main() -> None:
    """Write a file for each voice."""
    encoder = resemblyzer.load(level_db=resemblyzer.SINGERS_DB)
    for voice in tomllib.loads((SHIPPED / "library.toml").read_text())["voice"]:
        folder = SHIPPED / voice["folder"]
        embeddings = embed_clips(tuple(sorted(folder.glob("*.ogg"))), encoder)
        with atomic_write(shipped_embeddings(folder, encoder.model_id)) as file:
            file.write(save({"embeddings": embeddings.astype(np.float32)}))
        print(f"{voice['name']}: {len(embeddings)} clips.")


if __name__ == "__main__":
    main()
