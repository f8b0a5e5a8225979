"""Test sounds, and files of every kind made from them without the code under test."""

import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame
from scipy.signal import butter, correlate, fftconvolve, sosfilt

from models.signal import Floats32

CONTAINERS = {
    ".ogg": ("ogg", "libopus", "flt"),
    ".webm": ("webm", "libopus", "flt"),
    ".mp3": ("mp3", "libmp3lame", "fltp"),
    ".m4a": ("ipod", "aac", "fltp"),
    ".flac": ("flac", "flac", "s16"),
    ".wav": ("wav", "pcm_s16le", "s16"),
}


def sine(seconds: float, rate: int, hertz: float = 440.0, peak: float = 0.5, phase: float = 0.0) -> Floats32:
    """A tone, (samples,)."""
    time = np.arange(round(seconds * rate)) / rate
    return (peak * np.sin(2 * np.pi * hertz * time + phase)).astype(np.float32)


def noise(seconds: float, rate: int, channels: int = 2, peak: float = 0.5, seed: int = 0) -> Floats32:
    """Noise below 3 kHz, (channels, samples), different in each channel: a sound with one place in time only."""
    raw = np.random.default_rng(seed).standard_normal((channels, round(seconds * rate)))
    low = sosfilt(butter(4, 3000, fs=rate, output="sos"), raw, axis=1)
    return np.asarray(peak * low / np.abs(low).max(), np.float32)


def voice(
    seconds: float, rate: int, peak: float = 0.5, noise_db: float = -60.0, seed: int = 0, octave: int = 0
) -> Floats32:
    """Something sung, (samples,): 20 harmonics of a gliding tone, phrases of 1.2 s with pauses, and room noise."""
    random = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    pitch = 180.0 + 60.0 * np.sin(2 * np.pi * 0.31 * time) + 3.0 * np.sin(2 * np.pi * 5.5 * time)
    turn = 2 * np.pi * np.cumsum(pitch * 2.0**octave) / rate
    tone = sum(np.sin(k * turn + random.uniform(0, 2 * np.pi)) / k**1.2 for k in range(1, 21))
    phrase = np.clip(8.0 * (np.sin(2 * np.pi * time / 1.6) + 0.4), 0.0, 1.0)
    swell = 0.7 + 0.3 * np.sin(2 * np.pi * 0.53 * time)
    sung = np.asarray(tone * phrase * swell)
    room = random.standard_normal(len(time)) * 10 ** (noise_db / 20)
    return np.asarray(peak * sung / np.abs(sung).max() + room, np.float32)


def in_a_room(voice: Floats32, rate: int) -> Floats32:
    """Mono (samples,) with reverberation of 0.6 s that has half the power of the voice itself."""
    time = np.arange(round(0.6 * rate)) / rate
    room = np.random.default_rng(0).standard_normal(len(time)) * 10 ** (-3 * time / 0.6)
    return np.asarray(voice + fftconvolve(voice, 0.7 * room / np.linalg.norm(room))[: len(voice)], np.float32)


def with_music(voice: Floats32, music: Floats32, below_db: float) -> Floats32:
    """Mono (samples,) with music behind it, so many decibels below it; the peak is half of full scale."""
    behind = np.resize(music, len(voice)) * 10 ** (-below_db / 20) * voice.std() / music.std()
    return np.asarray(0.5 * (voice + behind) / np.abs(voice + behind).max(), np.float32)


def write(path: Path, audio: Floats32, rate: int, **options: str) -> Path:
    """Encode (channels, samples) by the suffix of `path`; `options` go to the container."""
    container_name, codec, sample_format = CONTAINERS[path.suffix]
    sound: npt.NDArray[Any] = np.atleast_2d(audio)
    layout = "mono" if sound.shape[0] == 1 else "stereo"
    if sample_format == "s16":
        sound = np.clip(np.rint(sound * 32767), -32768, 32767).astype(np.int16)
    if sample_format != "fltp":
        sound = sound.T.reshape(1, -1)
    with av.open(str(path), "w", format=container_name, options=options) as container:
        stream: Any = container.add_stream(codec, rate=rate, layout=layout)
        stream.format = sample_format
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(sound), sample_format, layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def wav(
    path: Path, data: bytes, *, rate: int = 16_000, channels: int = 1, bits: int = 16, declared: int | None = None
) -> Path:
    """A RIFF file around `data` (integers, or floats for 32 bits and more), whose header may lie."""
    form = 3 if bits >= 32 else 1
    size = len(data) if declared is None else declared
    align = channels * bits // 8 & 0xFFFF
    fmt = struct.pack("<HHIIHH", form, channels, rate, rate * align & 0xFFFFFFFF, align, bits)
    riff = struct.pack("<I", min(36 + size, 0xFFFFFFFF))
    path.write_bytes(b"RIFF" + riff + b"WAVEfmt \x10\0\0\0" + fmt + b"data" + struct.pack("<I", size) + data)
    return path


def snr(clean: Floats32, estimate: Floats32) -> float:
    """Signal to difference in dB over what both have."""
    count = min(clean.shape[-1], estimate.shape[-1])
    one, other = np.float64(clean[..., :count]), np.float64(estimate[..., :count])
    return float(10 * np.log10((one**2).sum() / max(((one - other) ** 2).sum(), 1e-30)))


def lag(clean: Floats32, estimate: Floats32) -> int:
    """Samples by which `heard` comes later than `clean`, both (samples,), by cross-correlation."""
    return int(np.argmax(correlate(estimate, clean))) - (len(clean) - 1)
