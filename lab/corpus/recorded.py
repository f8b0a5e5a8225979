"""Recordings of people: which clips a source has, and how each is joined from the files of a package or a folder."""

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import av
import numpy as np

from lab.corpus.catalogue import CorpusSource
from lab.corpus.unpack import files
from lab.errors import BuildError
from models.signal import Floats32
from pipeline.sound.resample import resample

FORMATS = {"g722": "g722", "wav": "wav", "flac": "flac"}
G722_BYTES = 8000  # a second
PROMPT_SECONDS = 20.5  # prompts are joined until a clip is so long
SHORTEST_PROMPT = 1.0  # s
PAUSE = 0.25  # s between joined prompts
NO_SPEECH = re.compile(r"/silence/|/(beep|beeperr|ascending-2tone|descending-2tone|tt-monkeys)\.g722$")
SAFE = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class SourceRecording:
    """A clip to be: its file in the corpus, its speaker, and the files that it is joined of."""

    file: str
    speaker: str
    kind: str
    parts: tuple[bytes, ...]

    def sound(self, source: CorpusSource) -> Floats32:
        """Mono (samples,) at the source's rate. Raises BuildError."""
        pause = np.zeros(round(PAUSE * source.rate), np.float32)
        pieces = [read_sound(part, self.kind, source.rate, self.file) for part in self.parts]
        wav = np.concatenate([piece for read in pieces for piece in (read, pause)][:-1])
        return wav[: round(source.max_seconds * source.rate)] if source.max_seconds else wav


def recordings(source: CorpusSource, place: Sequence[Path]) -> Iterator[SourceRecording]:
    """Every clip of a source, from its packages or from a folder of the user's. Raises BuildError."""
    if source.kind == "prompts":
        prompts = [pair for archive in place for pair in files(archive, source.parts)]
        yield from joined(source, prompts)
        return
    listed = source.listed()
    inside = _in_folder(place[0], listed) if source.repository else _in_packages(source, place, listed)
    received = set()
    for name, data in inside:
        received.add(name)
        yield SourceRecording(
            clip_file(source, name), source.speaker.format(name.partition("-")[0]), _kind(name), (data,)
        )
    if missing := [name for name in listed if name not in received]:
        raise BuildError(f"{source.name}: {len(missing)} of {len(listed)} clips are missing, first {missing[0]}.")


def clip_file(source: CorpusSource, name: str) -> str:
    """The path of a clip in the corpus; "#" becomes "s" (sharp). Raises BuildError for a name with odd characters."""
    stem = Path(name).stem.replace("#", "s")
    if not SAFE.fullmatch(stem):
        raise BuildError(f"{source.name} holds a clip with the name {name!r}, which is not taken.")
    return f"{source.name}/{stem}.ogg"


def joined(source: CorpusSource, prompts: Sequence[tuple[str, bytes]]) -> list[SourceRecording]:
    """G.722 prompts in the order of their names, joined into clips of a little over PROMPT_SECONDS."""
    spoken = [data for name, data in sorted(prompts) if not NO_SPEECH.search(name)]
    spoken = [data for data in spoken if len(data) >= SHORTEST_PROMPT * G722_BYTES]
    clips: list[list[bytes]] = [[]]
    for data in spoken:
        if sum(map(len, clips[-1])) >= PROMPT_SECONDS * G722_BYTES:
            clips.append([])
        clips[-1].append(data)
    limited = [clip for clip in clips if clip][: source.max_clips]
    if not limited:
        raise BuildError(f"{source.name}: the package holds no prompts.")
    return [
        SourceRecording(f"{source.name}/{source.name}_{i:03d}.ogg", source.speaker, "g722", tuple(clip))
        for i, clip in enumerate(limited)
    ]


def read_sound(data: bytes, kind: str, rate: int, name: str) -> Floats32:
    """Mono (samples,) at `rate` Hz of a whole file; `kind` is "g722", "wav" or "flac". Raises BuildError."""
    blocks: list[Floats32] = []
    try:
        with av.open(io.BytesIO(data), "r", format=FORMATS[kind]) as container:
            stream = container.streams.audio[0]
            source = stream.rate
            planar = av.AudioResampler(format="fltp", rate=source)
            for frame in [*container.decode(stream), None]:
                blocks += [np.asarray(out.to_ndarray().mean(axis=0), np.float32) for out in planar.resample(frame)]
    except (av.FFmpegError, IndexError, KeyError, ValueError) as error:
        raise BuildError(f"{name} is not {kind.upper()} sound that can be read.") from error
    wav = np.concatenate(blocks) if blocks else np.zeros(0, np.float32)
    if len(wav) == 0:
        raise BuildError(f"{name} holds no sound.")
    return wav if source == rate else resample(wav, source, rate)


def _in_packages(source: CorpusSource, place: Sequence[Path], listed: dict[str, str]) -> Iterator[tuple[str, bytes]]:
    for archive in place:
        for path, data in files(archive, source.parts):
            name = path.rpartition("/")[2]
            if listed.get(name) == sha256(data).hexdigest():
                yield name, data


def _in_folder(folder: Path, listed: dict[str, str]) -> Iterator[tuple[str, bytes]]:
    """The clips anywhere below `folder`; files of the same name that are not the pinned ones are skipped."""
    if not folder.is_dir():
        raise BuildError(f"There is no folder {folder}.")
    done = set()
    for path in sorted(folder.rglob("*")):
        if path.name in listed and path.name not in done and path.is_file():
            data = path.read_bytes()
            if sha256(data).hexdigest() == listed[path.name]:
                done.add(path.name)
                yield path.name, data


def _kind(name: str) -> str:
    return name.rpartition(".")[2].lower()
