"""Attention without masks: torch's, but in bfloat16 on a CPU by products of a few heads or rows at a time.

There torch's own (Dao et al. 2022, "FlashAttention", arXiv 2205.14135) multiplies in float32 (2.11, without AMX).
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SCORES = 2**20
"""Scores in one product: 2 MB in bfloat16, which stay in a core's cache."""


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Scaled dot-product attention: queries (B, heads, N, dim) over keys and values (B, heads, M, dim) → as queries."""
    in_products = query.dtype == torch.bfloat16 and query.device.type == "cpu" and not torch.is_grad_enabled()
    return (_in_products if in_products else F.scaled_dot_product_attention)(query, key, value)


def _in_products(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    rows, columns, dim = query.shape[-2], key.shape[-2], query.shape[-1]
    queries = (query * dim**-0.5).flatten(0, 1)
    keys, values = key.flatten(0, 1).mT, value.flatten(0, 1)
    heads, height = max(1, SCORES // (rows * columns)), max(1, SCORES // columns)
    attended = torch.empty_like(queries)
    for first in range(0, len(queries), heads):
        some = slice(first, first + heads)
        for row in range(0, rows, height):
            shares = torch.bmm(queries[some, row : row + height], keys[some]).softmax(-1)
            attended[some, row : row + height] = torch.bmm(shares, values[some])
    return attended.reshape(query.shape)


class MultiheadAttention(nn.Module):
    """torch's multi-head attention by `attend`, of any number of heads; parameters have torch's names and layout."""

    def __init__(self, attention: nn.MultiheadAttention) -> None:
        super().__init__()
        self.head_dim, self.batch_first = attention.head_dim, attention.batch_first
        self.in_proj_weight, self.in_proj_bias = attention.in_proj_weight, attention.in_proj_bias
        self.out_proj = attention.out_proj

    def forward(self, query: Tensor, key: Tensor, value: Tensor, **options: Any) -> tuple[Tensor, None]:
        """(N, B, E), or (B, N, E) where the attention was `batch_first`, → the same shape. No mask, no weights."""
        if any(options.get(name) is not None for name in ("attn_mask", "key_padding_mask")):
            raise NotImplementedError("This attention takes no mask.")
        weights = self.in_proj_weight.chunk(3)
        biases = self.in_proj_bias.chunk(3)
        heads = [
            self._heads(F.linear(x, weight, bias))
            for x, weight, bias in zip((query, key, value), weights, biases, strict=True)
        ]
        out = self.out_proj(attend(heads[0], heads[1], heads[2]).transpose(1, 2).flatten(2))
        return out if self.batch_first else out.transpose(0, 1), None

    def _heads(self, x: Tensor) -> Tensor:
        """→ (B, heads, N, head_dim)."""
        batched = x if self.batch_first else x.transpose(0, 1)
        return batched.reshape(*batched.shape[:2], -1, self.head_dim).transpose(1, 2)


def replace_attention(network: nn.Module) -> None:
    """Put `MultiheadAttention` in the place of each of torch's in a network whose keys are as wide as its queries."""
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.MultiheadAttention) and isinstance(child.in_proj_weight, Tensor):
                setattr(parent, name, MultiheadAttention(child))
