"""A recogniser of English that has no part in any voice: Moonshine tiny, which the package moonshine-voice carries.

Jeffries et al., "Moonshine: Speech Recognition for Live Transcription and Voice Commands", 2024. 27 million
parameters, int8, MIT. Version 0.1.0 is the last one with weights; of the package only its files are used.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from files.private import no_telemetry
from lab.evaluate.packages import carried
from models.signal import SPEECH_RATE, Floats32

NAME = "Moonshine tiny (English, greedy)"
LANGUAGE = "en"
PACKAGE, VERSION = "moonshine-voice", "0.1.0"
FILES = {
    "encoder_model.ort": "94e90a4654fc45cdfedb77c4c08e1739f48862998e58fada384b25118134f221",
    "decoder_model_merged.ort": "cf524c4862d36e9e5ab032eddc73637efd822d70e868ac575cf1a46e1e4708a0",
    "tokenizer.bin": "6884b35fd6377d4c4d32336a0bc152f36b64d1e45b6503683cdc238250a8472d",
}
BEGIN, END = 1, 2
UNSPOKEN = (b"<s>", b"</s>", b"<unk>")
TOKENS_PER_SECOND = 6.5
"""More is a recogniser that repeats itself."""
BYTE = b"<0x"
SPACE = "\u2581"


@dataclass(frozen=True)
class Moonshine:
    """A loaded recogniser; see `load`."""

    encoder: Any
    decoder: Any
    pieces: tuple[bytes, ...]

    def text(self, wav: Floats32) -> str:
        """The transcript of mono (samples,) at 16 kHz, some seconds of English."""
        sound = np.ascontiguousarray(wav, np.float32)[None]
        mask = np.ones(sound.shape, np.int64)
        heard = self.encoder.run(None, {"input_values": sound, "attention_mask": mask})[0]
        memory = {
            put.name: np.zeros((1, put.shape[1], 0 if ".decoder." in put.name else heard.shape[1], put.shape[3]), "f4")
            for put in self.decoder.get_inputs()
            if put.name.startswith("past")
        }
        names = [put.name for put in self.decoder.get_outputs()]
        tokens, token = list[int](), BEGIN
        for step in range(int(len(wav) / SPEECH_RATE * TOKENS_PER_SECOND) + 8):
            given = {
                "input_ids": np.array([[token]], np.int64),
                "encoder_hidden_states": heard,
                "encoder_attention_mask": mask,
                "use_cache_branch": np.array([step > 0]),
            }
            made = dict(zip(names, self.decoder.run(None, given | memory), strict=True))
            token = int(made["logits"][0, -1].argmax())
            if token == END:
                break
            tokens.append(token)
            for name in memory:
                if step == 0 or ".decoder." in name:  # what it keeps of the encoder is made once
                    memory[name] = made[name.replace("past_key_values", "present")]
        return spelled([self.pieces[token] for token in tokens])


def load() -> Moonshine:
    """The recogniser on CPU, on as many threads as torch. Raises WeightsError."""
    no_telemetry()
    import onnxruntime

    encoder, decoder, tokenizer = (
        carried(PACKAGE, VERSION, f"assets/tiny-en/{name}", sha256) for name, sha256 in FILES.items()
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = torch.get_num_threads(), 1
    encode, decode = (
        onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        for path in (encoder, decoder)
    )
    return Moonshine(encode, decode, pieces_of(tokenizer.read_bytes()))


def pieces_of(file: bytes) -> tuple[bytes, ...]:
    """The vocabulary of `tokenizer.bin`: byte strings, each after its length (two bytes from 128 on)."""
    pieces, place = [], 0
    while place < len(file):
        length, place = file[place], place + 1
        if length >= 128:
            length, place = file[place] * 128 + length - 128, place + 1
        pieces.append(file[place : place + length])
        place += length
    return tuple(pieces)


def spelled(pieces: list[bytes]) -> str:
    """The text of a row of pieces."""
    spoken = [piece for piece in pieces if piece not in UNSPOKEN]
    raw = b"".join(bytes([int(piece[3:5], 16)]) if piece.startswith(BYTE) else piece for piece in spoken)
    return raw.decode("utf-8", "ignore").replace(SPACE, " ").strip()
