"""Whisper base's decoder in plain torch: how probable a text is, given a recording.

Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision", 2022. The weights are those of
`models.content.whisper`, whose file has both halves of the network, and the text's tokens are by its own tokenizer.
"""

from collections.abc import Sequence

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional as F

from models.content import whisper
from models.content.whisper import (
    HEADS,
    LAYERS,
    MOST_SAMPLES,
    PACKAGES,
    WIDTH,
    WhisperEncoder,
    layer_names,
    state_of,
)
from models.signal import Floats32
from models.weights.integrity import packaged, verify

TOKENIZER = "data/tokenizer.json"
TOKENIZER_SHA256 = "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab"
TOKENS, MOST_TOKENS = 51865, 448


class DecoderLayer(nn.Module):
    """A pre-norm transformer layer that looks at the tokens before, and at all of the recording."""

    def __init__(self) -> None:
        super().__init__()
        self.self_norm, self.cross_norm, self.feed_norm = (nn.LayerNorm(WIDTH) for _ in range(3))
        self.qkv, self.self_out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.query, self.key_value = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, 2 * WIDTH)
        self.cross_out = nn.Linear(WIDTH, WIDTH)
        self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x: Tensor, heard: Tensor) -> Tensor:
        """(B, T, 512) tokens and (1, frames, 512) of the recording → (B, T, 512)."""
        q, k, v = (_heads(part) for part in self.qkv(self.self_norm(x)).chunk(3, -1))
        x = x + self.self_out(_joined(F.scaled_dot_product_attention(q, k, v, is_causal=True)))
        q = _heads(self.query(self.cross_norm(x)))
        k, v = (_heads(part.expand(len(x), -1, -1)) for part in self.key_value(heard).chunk(2, -1))
        x = x + self.cross_out(_joined(F.scaled_dot_product_attention(q, k, v)))
        y: Tensor = x + self.down(F.gelu(self.up(self.feed_norm(x))))
        return y


def _heads(x: Tensor) -> Tensor:
    """(B, T, 512) → (B, 8, T, 64)."""
    return x.view(x.shape[0], x.shape[1], HEADS, -1).transpose(1, 2)


def _joined(x: Tensor) -> Tensor:
    """(B, 8, T, 64) → (B, T, 512)."""
    return x.transpose(1, 2).reshape(x.shape[0], x.shape[2], WIDTH)


class WhisperWords(nn.Module):
    """The decoder, with the encoder's last norm."""

    positions: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.heard_norm, self.norm = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.embedding = nn.Embedding(TOKENS, WIDTH)
        self.register_buffer("positions", torch.zeros(MOST_TOKENS, WIDTH))
        self.layers = nn.ModuleList([DecoderLayer() for _ in range(LAYERS)])

    @torch.inference_mode()
    def log_probabilities(self, heard: Tensor, tokens: Tensor) -> Tensor:
        """(frames, 512) by the encoder's sixth layer, and (B, T) tokens → (B, T - 1): each token after those
        before it.
        """
        x = self.embedding(tokens[:, :-1]) + self.positions[: tokens.shape[1] - 1]
        frames = self.heard_norm(heard)[None]
        for layer in self.layers:
            x = layer(x, frames)
        logits = self.norm(x) @ self.embedding.weight.T
        taken: Tensor = logits.gather(2, tokens[:, 1:, None])[..., 0] - logits.logsumexp(2)
        return taken


class SentenceReader:
    """Tells how probable texts are, given a recording."""

    def __init__(self, encoder: WhisperEncoder, words: WhisperWords, tokenizer: Tokenizer) -> None:
        self.encoder, self.words, self.tokenizer = encoder, words, tokenizer

    def compare(self, wav: Floats32, language: str, before: str, texts: Sequence[str]) -> list[float]:
        """How probable each text is to follow `before` in mono (samples,) at 16 kHz, as natural logarithms.

        Of a recording the first 30 s are heard.
        """
        sound = torch.from_numpy(wav[:MOST_SAMPLES])
        heard = self.encoder.encode(F.pad(sound, (0, MOST_SAMPLES - len(sound))), LAYERS)
        start = ("<|startoftranscript|>", f"<|{language}|>", "<|transcribe|>", "<|notimestamps|>")
        given, end = [*map(self._special, start), *self._tokens(before)], self._special("<|endoftext|>")
        rows = [[*given, *self._tokens(text), end] for text in texts]
        longest = max(map(len, rows))
        tokens = torch.tensor([row + [end] * (longest - len(row)) for row in rows])
        found = self.words.log_probabilities(heard, tokens)
        return [float(line[len(given) - 1 : len(row) - 1].sum()) for line, row in zip(found, rows, strict=True)]

    def _tokens(self, text: str) -> list[int]:
        return list(self.tokenizer.encode(text, add_special_tokens=False).ids)

    def _special(self, name: str) -> int:
        return int(self.tokenizer.get_vocab(with_added_tokens=True)[name])


def load() -> SentenceReader:
    """Both halves of the network, on the CPU, and the tokenizer: 290 MB while it is held. Raises WeightsError."""
    linears = {"qkv": "self_attention/linear_0", "self_out": "self_attention/linear_1"}
    linears |= {"query": "attention/linear_0", "key_value": "attention/linear_1", "cross_out": "attention/linear_2"}
    linears |= {"up": "ffn/linear_0", "down": "ffn/linear_1"}
    norms = {"self_norm": "self_attention", "cross_norm": "attention", "feed_norm": "ffn"}
    names = {"positions": "position_encodings/encodings", "embedding.weight": "embeddings/weight"}
    names |= {"norm.weight": "layer_norm/gamma", "norm.bias": "layer_norm/beta"}
    for n in range(LAYERS):
        names |= layer_names(n, linears, norms)
    heard = {"heard_norm.weight": "layer_norm/gamma", "heard_norm.bias": "layer_norm/beta"}
    words = WhisperWords()
    words.load_state_dict(state_of("decoder", names) | state_of("encoder", heard))
    tokenizer = Tokenizer.from_file(str(verify(packaged(PACKAGES[0], TOKENIZER), TOKENIZER_SHA256)))
    return SentenceReader(whisper.load(), words.eval(), tokenizer)
