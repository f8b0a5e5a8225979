"""Voices between our own file and the community's: RVC's `.pth` and its retrieval index."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor

from files.disk import disk_full
from models.content.contentvec import BY_WIDTH
from models.rvc import RVCConfig, Synthesizer
from models.rvc.faiss_index import read_index, write_index
from models.rvc.pth_file import read_pth, write_pth
from models.rvc.voice_base import EMBEDDING
from models.voice_file import VoiceInfo, load_voice, save_voice
from models.weights.integrity import WeightsError
from pipeline.voices.owner import Owner
from pipeline.voices.retrieval import load_index, save_index


class NotOfRvc(WeightsError):
    """A voice of a kind that RVC has not: our own."""


@dataclass(frozen=True)
class ImportedVoice:
    """A community voice as a pair of our own files."""

    model: Path
    index: Path
    info: VoiceInfo
    config: RVCConfig
    title: str
    """What it is, in a few words."""
    rows: int
    """Of the retrieval index; 0 without one."""


@dataclass(frozen=True)
class ExportedVoice:
    """A voice in the community's files."""

    model: Path
    index: Path | None
    """None where the voice has no retrieval rows."""


def import_voice(pth: Path, index: Path | None, out_dir: Path, owner: Owner | None = None) -> ImportedVoice:
    """Write `voice.safetensors` and `voice.index.safetensors` into `out_dir` from an untrusted `.pth` and `.index`.

    Such files hold nothing of the person. Without `owner`, the median f0 is 0 (no octave is chosen) and the
    speaker embedding is zero (no cosine can be measured). Raises WeightsError (what `read_pth` and `read_index` raise,
    or not readable), DiskFull, and OSError if `out_dir` cannot be written.
    """
    try:
        voice = read_pth(pth)
    except OSError as error:
        raise WeightsError(f"{pth.name} cannot be read: {error.strerror}.") from error
    config = voice.network.config
    rows = torch.zeros(0, config.content_dim)
    if index is not None:
        rows = torch.from_numpy(read_index(index, config.content_dim))
    if not _fits_half(voice.network.state_dict().values()) or not _fits_half([rows]):
        raise WeightsError(f"{pth.name} holds numbers that are too large for half precision.")
    note = f" ({_plain(voice.info)})" if _plain(voice.info) else ""
    info = VoiceInfo(
        content_model=BY_WIDTH[config.content_dim],
        base=f"imported, {voice.network.kind}{note}",
        median_f0=owner.median_f0 if owner else 0.0,
        steps=0,
        seconds=0.0,
    )
    model_path, index_path = out_dir / "voice.safetensors", out_dir / "voice.index.safetensors"
    with disk_full():
        save_voice(model_path, voice.network, info)
    save_index(index_path, rows, owner.embedding if owner else torch.zeros(EMBEDDING))
    return ImportedVoice(
        model=model_path, index=index_path, info=info, config=config, title=voice.network.kind, rows=len(rows)
    )


def export_voice(model: Path, index: Path, out_dir: Path, name: str) -> ExportedVoice:
    """Write `NAME.pth` and, if the voice has retrieval rows, `NAME.index`, for RVC and its kin.

    Raises NotOfRvc; WeightsError: faiss is missing for the index; DiskFull; and OSError if `out_dir` is no folder or
    cannot be written. The files appear when both are whole.
    """
    network, info = load_voice(model)
    if not isinstance(network, Synthesizer) or info.content_model not in BY_WIDTH.values():
        raise NotOfRvc(
            f"The voice {name} cannot become a .pth: RVC has neither its network ({network.kind}) nor its content "
            f"features ({info.content_model}). One that is trained from an RVC base (VOICE_BASE=rvc-40k) can."
        )
    rows, _ = load_index(index)
    stem = re.sub(r"[^\w-]+", "_", name).strip("_") or "voice"
    exported = ExportedVoice(out_dir / f"{stem}.pth", out_dir / f"{stem}.index" if len(rows) else None)
    with disk_full():
        out_dir.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".part-", dir=out_dir) as folder:
            pth = Path(folder) / exported.model.name
            write_pth(pth, network, f"{info.steps} steps, DiscoverVoice" if info.steps else "DiscoverVoice")
            if exported.index is not None:
                write_index(Path(folder) / exported.index.name, rows.numpy())
                (Path(folder) / exported.index.name).replace(exported.index)
            pth.replace(exported.model)
    return exported


def _fits_half(tensors: Iterable[Tensor]) -> bool:
    return all(bool(tensor.half().isfinite().all()) for tensor in tensors)


def _plain(text: str) -> str:
    """Untrusted text on one line, without anything that a terminal would obey."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
