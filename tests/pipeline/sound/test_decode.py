"""Every kind of file comes out as the sound that went in; every kind of bad file as its own exception."""

import struct
import time
import tracemalloc
from pathlib import Path
from typing import Any, Literal

import av
import numpy as np
import pytest
import soxr
from av.audio.frame import AudioFrame

from models.signal import Floats32
from pipeline import errors
from pipeline.sound import ffmpeg
from pipeline.sound.decode import NOTE, SONG, Limits, decode, decode_blocks, probe
from pipeline.sound.file_name import display_name
from tests.pipeline import sounds

ANY = Limits(max_bytes=1 << 30, min_seconds=0.0, max_seconds=900.0, min_rate=8000)


def read(path: Path, limits: Limits = NOTE) -> Floats32:
    return decode(path, 16_000, channels=1, limits=limits, name=path.name)


@pytest.mark.parametrize(
    ("suffix", "rate", "worst_snr"),
    [
        (".ogg", 48_000, 10),
        (".webm", 48_000, 10),
        (".mp3", 44_100, 14),
        (".m4a", 44_100, 18),
        (".flac", 44_100, 80),
        (".wav", 48_000, 80),
    ],
)
@pytest.mark.parametrize("channels", [1, 2])
def test_every_format_keeps_its_sound_length_and_place(
    tmp_path: Path, suffix: str, rate: int, worst_snr: float, channels: Literal[1, 2]
) -> None:
    sound = sounds.noise(4.003, rate, channels)
    path = sounds.write(tmp_path / f"x{suffix}", sound, rate)
    decoded = decode(path, rate, channels=channels, limits=NOTE, name="x")
    assert decoded.dtype == np.float32
    assert decoded.shape == (sound.shape if channels == 2 else sound.shape[1:])
    decoded = np.atleast_2d(decoded)
    assert abs(sounds.lag(sound[0], decoded[0])) <= rate // 1000
    assert sounds.snr(sound, decoded) > worst_snr
    probed = probe(path, NOTE, "x")
    assert (probed.rate, probed.channels, probed.bytes) == (rate, channels, path.stat().st_size)
    assert probed.seconds == pytest.approx(4.003, abs=0.05)


@pytest.mark.parametrize(
    ("bits", "kind", "scale"), [(8, "u1", 127), (16, "<i2", 32767), (32, "<f4", 1), (64, "<f8", 1)]
)
def test_wav_of_any_width(tmp_path: Path, bits: int, kind: str, scale: float) -> None:
    sound = sounds.sine(2, 16_000)
    data = (np.rint(sound * scale) + (128 if bits == 8 else 0)) if scale > 1 else sound
    path = sounds.wav(tmp_path / "x.wav", data.astype(kind).tobytes(), bits=bits)
    assert sounds.snr(sound, read(path)) > (35 if bits == 8 else 80)


def test_floats_above_full_scale_stay(tmp_path: Path) -> None:
    loud = sounds.sine(2, 16_000, peak=1.5)
    path = sounds.wav(tmp_path / "x.wav", loud.tobytes(), bits=32)
    np.testing.assert_array_equal(read(path), loud)


@pytest.mark.parametrize(("source", "target"), [(44_100, 16_000), (48_000, 44_100), (16_000, 44_100)])
def test_blocks_join_to_the_whole(tmp_path: Path, source: int, target: int) -> None:
    sound = sounds.noise(5.0137, source)
    path = sounds.wav(tmp_path / "x.wav", sound.T.tobytes(), rate=source, channels=2, bits=32)
    blocks = list(decode_blocks(path, target, channels=2, block_seconds=0.37, limits=SONG, name="x"))
    size = round(0.37 * target)
    assert {b.shape for b in blocks[:-1]} == {(2, size)}
    assert 0 < blocks[-1].shape[1] <= size
    joined = np.concatenate(blocks, axis=1)
    assert joined.shape[1] == round(sound.shape[1] * target / source)
    assert np.abs(joined - soxr.resample(sound.T, source, target).T).max() < 1e-5
    whole = decode(path, target, channels=2, limits=SONG, name="x")
    np.testing.assert_array_equal(joined, whole)


def test_stereo_to_mono_and_back(tmp_path: Path) -> None:
    left, right = sounds.sine(2, 16_000, 300), sounds.sine(2, 16_000, 500)
    stereo = sounds.wav(tmp_path / "s.wav", np.stack([left, right], 1).tobytes(), channels=2, bits=32)
    np.testing.assert_allclose(read(stereo), (left + right) / 2, atol=1e-7)
    mono = sounds.wav(tmp_path / "m.wav", left.tobytes(), bits=32)
    both = decode(mono, 16_000, channels=2, limits=NOTE, name="m")
    np.testing.assert_array_equal(both, np.stack([left, left]))


PCM = np.zeros(16_000, "<i2").tobytes()  # one second


@pytest.mark.parametrize(
    "data",
    [
        b"Dear sir,\nplease find my song attached.\n" * 50,
        b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + bytes(range(256)) * 40,
        np.random.default_rng(1).bytes(300_000),
        np.random.default_rng(2).bytes(700),
        b"ID3\x04\x00\x00\x00\x00\x00\x05hello",
        b"OggS" + bytes(400),
        b"fLaC" + bytes(400),
        b"RIFF\x24\x00\x00\x00WAVE",
        b"\x00",
    ],
    ids=["text", "jpeg", "random", "random-short", "id3", "ogg", "flac", "riff", "nul"],
)
def test_what_is_not_audio(tmp_path: Path, data: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.mp3"
    path.write_bytes(data)
    for ask in (lambda: probe(path, NOTE, "x.mp3"), lambda: read(path)):
        with pytest.raises(errors.NotAudio):
            ask()
    assert capfd.readouterr() == ("", "")


def test_a_container_that_is_not_on_the_list_is_refused_however_sound_it_is(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    with av.open(str(path), "w", format="nut") as container:
        stream: Any = container.add_stream("pcm_s16be", rate=16_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 48_000), np.int16), "s16", "mono")
        frame.sample_rate = 16_000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with av.open(str(path)) as careless:
        assert sum(frame.samples for frame in careless.decode(audio=0)) == 48_000
    with pytest.raises(errors.NotAudio):
        read(path)


def test_video_without_sound_is_not_audio(tmp_path: Path) -> None:
    path = tmp_path / "x.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for _ in range(25):
            container.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        container.mux(stream.encode(None))
    with pytest.raises(errors.NotAudio):
        read(path)


def test_empty_file_and_empty_container(tmp_path: Path) -> None:
    (tmp_path / "x.ogg").write_bytes(b"")
    with pytest.raises(errors.EmptyFile):
        read(tmp_path / "x.ogg")
    with pytest.raises(errors.EmptyFile):
        read(sounds.wav(tmp_path / "x.wav", b""))


def shortened(path: Path, share: float) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[: round(len(data) * share)])
    return path


@pytest.mark.parametrize(
    ("suffix", "options"), [(".wav", {}), (".flac", {}), (".mp3", {}), (".m4a", {"movflags": "+faststart"})]
)
def test_cut_off(tmp_path: Path, suffix: str, options: dict[str, str], capfd: pytest.CaptureFixture[str]) -> None:
    path = sounds.write(tmp_path / f"x{suffix}", sounds.noise(10, 44_100, 1), 44_100, **options)
    assert len(read(path)) == 160_000
    with pytest.raises(errors.CutOff) as caught:
        read(shortened(path, 0.3))
    assert caught.value.params["declared"] == pytest.approx(10, abs=0.3)
    assert caught.value.params["seconds"] == pytest.approx(3, abs=0.6)
    assert capfd.readouterr() == ("", "")


def test_plain_wav_header_that_promises_more(tmp_path: Path) -> None:
    with pytest.raises(errors.CutOff):
        read(sounds.wav(tmp_path / "x.wav", PCM * 3, declared=len(PCM) * 10))


@pytest.mark.parametrize("placeholder", [0, 0xFFFFFFFF, 0x7FFFF000])
def test_wav_streamed_by_a_program_that_could_not_seek(tmp_path: Path, placeholder: int) -> None:
    assert len(read(sounds.wav(tmp_path / "x.wav", PCM * 3, declared=placeholder))) == 48_000


def test_a_damaged_place_is_passed_over(tmp_path: Path) -> None:
    path = sounds.write(tmp_path / "x.mp3", sounds.noise(10, 44_100, 1), 44_100)
    data = bytearray(path.read_bytes())
    data[60_000:60_300] = np.random.default_rng(0).bytes(300)
    path.write_bytes(bytes(data))
    assert len(read(path)) == pytest.approx(160_000, abs=3000)


@pytest.mark.parametrize("suffix", [".wav", ".ogg", ".mp3"])
def test_too_short(tmp_path: Path, suffix: str) -> None:
    path = sounds.write(tmp_path / f"x{suffix}", sounds.noise(0.2, 48_000, 1), 48_000)
    with pytest.raises(errors.TooShort) as caught:
        read(path)
    assert caught.value.params["seconds"] == pytest.approx(0.2, abs=0.03)


def test_too_large_is_said_from_the_size_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    with path.open("wb") as file:
        file.truncate(SONG.max_bytes + 1)
    with pytest.raises(errors.TooLarge):
        probe(path, SONG, "x.wav")


def relabelled(path: Path, samples: int) -> Path:
    """A FLAC whose STREAMINFO claims `samples`."""
    data = bytearray(path.read_bytes())
    packed = int.from_bytes(data[18:26], "big")
    data[18:26] = (packed >> 36 << 36 | samples).to_bytes(8, "big")
    path.write_bytes(bytes(data))
    return path


def test_ten_hours_are_refused_from_the_header(tmp_path: Path) -> None:
    flac = relabelled(sounds.write(tmp_path / "x.flac", sounds.noise(5, 16_000, 1), 16_000), 36_000 * 16_000)
    lying = sounds.wav(tmp_path / "x.wav", PCM * 3, declared=36_000 * 32_000)
    for path in (flac, lying):
        began = time.perf_counter()
        with pytest.raises(errors.TooLong):
            probe(path, SONG, "x")
        with pytest.raises(errors.TooLong):
            read(path, SONG)
        assert time.perf_counter() - began < 1


def test_a_small_file_that_decodes_to_an_hour_is_stopped_before_the_memory_is_spent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = sounds.write(tmp_path / "x.flac", np.zeros((1, 3600 * 16_000), np.float32), 16_000)
    relabelled(path, 10 * 16_000)
    assert path.stat().st_size < 700_000
    decoded: list[int] = []
    samples = ffmpeg._samples

    def counted(frame: AudioFrame, *others: Any) -> Floats32:
        decoded.append(frame.samples)
        return samples(frame, *others)

    monkeypatch.setattr(ffmpeg, "_samples", counted)
    limits = Limits(max_bytes=10**6, min_seconds=1, max_seconds=60, min_rate=16_000)
    tracemalloc.start()
    try:
        with pytest.raises(errors.TooLong):
            read(path, limits)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sum(decoded) < 62 * 16_000
    assert peak < 3 * 60 * 16_000 * 4


def test_a_long_file_streams_in_flat_memory(tmp_path: Path) -> None:
    path = sounds.write(tmp_path / "x.flac", np.zeros((1, 800 * 16_000), np.float32), 16_000)
    tracemalloc.start()
    try:
        count = sum(b.shape[1] for b in decode_blocks(path, 16_000, channels=1, block_seconds=1, limits=NOTE, name="x"))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 800 * 16_000
    assert peak < 2_000_000


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
@pytest.mark.parametrize("bits", [32, 64])
def test_values_that_are_no_sound(tmp_path: Path, value: float, bits: int) -> None:
    sound = sounds.sine(2, 16_000).astype(f"<f{bits // 8}")
    sound[20_000] = value
    with pytest.raises(errors.InvalidSamples):
        read(sounds.wav(tmp_path / "x.wav", sound.tobytes(), bits=bits))


def test_low_and_crazy_rates_and_channels(tmp_path: Path) -> None:
    def refusal(rate: int, channels: int) -> type[Exception]:
        with pytest.raises(errors.SoundError) as caught:
            read(sounds.wav(tmp_path / "x.wav", PCM * 40, rate=rate, channels=channels))
        return caught.type

    assert refusal(7999, 1) is errors.LowRate
    assert refusal(1, 1) is errors.LowRate
    assert refusal(0, 1) is errors.NotAudio
    assert refusal(10_000_000, 1) is errors.NotAudio
    assert refusal(0xFFFFFFFF, 1) is errors.NotAudio
    assert refusal(44_100, 7) is errors.TooManyChannels
    assert refusal(44_100, 255) is errors.TooManyChannels
    assert refusal(44_100, 0) is errors.NotAudio
    assert refusal(44_100, 65_535) in (errors.TooManyChannels, errors.NotAudio)


def playlists(secret: Path) -> dict[str, str]:
    return {
        "x.m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\nfile://{secret}\n#EXT-X-ENDLIST\n",
        "x.ffconcat": f"ffconcat version 1.0\nfile {secret}\n",
        "y.m3u8": "#EXTM3U\n#EXTINF:3,\nhttp://127.0.0.1:9/x.wav\n",
        "x.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\n",
    }


def test_a_file_cannot_make_ffmpeg_open_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = sounds.write(tmp_path / "secret.wav", sounds.noise(3, 16_000, 1), 16_000)
    with_concat = tmp_path / "x.ffconcat"
    for name, text in playlists(secret).items():
        (tmp_path / name).write_text(text)
    with av.open(str(with_concat), options={"safe": "0"}) as careless:  # the trick works where nobody guards
        assert sum(frame.samples for frame in careless.decode(audio=0)) == 48_000
    for formats in (ffmpeg.FORMATS, ffmpeg.FORMATS + ",hls,concat,sdp"):
        monkeypatch.setattr(ffmpeg, "FORMATS", formats)
        for name in playlists(secret):
            with pytest.raises(errors.NotAudio):
                read(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("take one.mp3", "take one.mp3"),
        ("../../etc/x", "x"),
        ("C:\\music\\노래.flac", "노래.flac"),
        ("@everyone.ogg", "＠everyone.ogg"),
        ("<@123456>**bold**`x`||y||.wav", "＠123456boldxy.wav"),
        ("{name} {0.__class__}.mp3", "(name) (0. class ).mp3"),
        ("[click](https://evil.example)", "evil.example)"),
        ("# big\n> quote\x00\x1b[31m.mp3", "big quote(31m.mp3"),
        ("a\u202e3pm.exe\u200b", "a3pm.exe"),
        ("🎤.ogg", "🎤.ogg"),
        ("", "This file"),
        ("..", "This file"),
        ("***", "This file"),
    ],
)
def test_display_name(name: str, shown: str) -> None:
    assert display_name(name) == shown


def test_display_name_is_short_and_fills_a_sentence() -> None:
    shown = display_name("a" * 300 + ".mp3")
    assert len(shown) == 40
    assert shown.endswith("….mp3")
    assert len(display_name("e" + "\u0301" * 5000)) <= 4
    assert len(display_name("." + "x" * 5000)) <= 40
    assert "{" not in str(errors.NotAudio(name=display_name("{limit}{0}")))


def test_the_hostile_name_reaches_the_sentence_tamed(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"")
    with pytest.raises(errors.EmptyFile) as caught:
        probe(tmp_path / "x", NOTE, "../../@everyone\n**.ogg")
    assert str(caught.value).startswith("＠everyone .ogg is empty")


def test_an_ogg_whose_clock_runs_for_hours_is_as_long_as_its_sound(tmp_path: Path) -> None:
    path = sounds.write(tmp_path / "x.ogg", sounds.noise(3, 48_000, 1), 48_000)
    data = bytearray(path.read_bytes())
    last = data.rindex(b"OggS")
    data[last + 6 : last + 14] = struct.pack("<q", 36_000 * 48_000)
    data[last + 22 : last + 26] = bytes(4)
    data[last + 22 : last + 26] = struct.pack("<I", ogg_crc(bytes(data[last:])))
    path.write_bytes(bytes(data))
    assert len(read(path, SONG)) == pytest.approx(3 * 16_000, abs=320)


def ogg_crc(page: bytes) -> int:
    crc = 0
    for byte in page:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C11DB7 if crc & 0x80000000 else 0)) & 0xFFFFFFFF
    return crc


@pytest.mark.parametrize("suffix", sounds.CONTAINERS)
def test_damaged_files_raise_nothing_but_our_own(tmp_path: Path, suffix: str) -> None:
    random = np.random.default_rng(0)
    clean = sounds.write(tmp_path / f"x{suffix}", sounds.noise(1.5, 48_000, 1), 48_000).read_bytes()
    path = tmp_path / "y"
    for _ in range(60):
        data = np.frombuffer(clean, np.uint8).copy()
        head = random.integers(0, 600, 6)
        data[np.concatenate([head, random.integers(0, len(data), 20)])] = random.integers(0, 256, 26)
        path.write_bytes(data[: random.integers(len(data) // 2, len(data) + 1)].tobytes())
        try:
            assert len(read(path)) <= 900.5 * 16_000
        except errors.SoundError as error:
            assert "{" not in str(error)
