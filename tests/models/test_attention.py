"""Attention: the numbers of torch's, with and without gradients, in bfloat16 by products of any size."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from models import attention
from models.attention import MultiheadAttention, attend, replace_attention
from models.precision import agreement

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("scores", [1, 1000, attention.SCORES])
def test_products_in_bfloat16_agree_with_float32(scores: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention, "SCORES", scores)
    torch.manual_seed(0)
    query, key, value = torch.randn(3, 2, 37, 16), torch.randn(3, 2, 53, 16), torch.randn(3, 2, 53, 16)
    exact = F.scaled_dot_product_attention(query, key, value)
    with torch.inference_mode():
        rough = attend(query.bfloat16(), key.bfloat16(), value.bfloat16())
    assert rough.dtype == torch.bfloat16
    assert 40 < agreement(exact, rough.float()) < 60


def test_float32_is_torchs() -> None:
    torch.manual_seed(0)
    query, key = torch.randn(1, 2, 5, 8), torch.randn(1, 2, 7, 8)
    with torch.inference_mode():
        assert torch.equal(attend(query, key, key), F.scaled_dot_product_attention(query, key, key))


def test_what_learns_in_bfloat16_has_torchs_gradients() -> None:
    torch.manual_seed(0)
    ours = torch.randn(1, 2, 5, 8).bfloat16().requires_grad_()
    theirs = ours.detach().clone().requires_grad_()
    torch.autograd.backward(attend(ours, ours, ours).square().sum())
    torch.autograd.backward(F.scaled_dot_product_attention(theirs, theirs, theirs).square().sum())
    assert ours.grad is not None and theirs.grad is not None
    assert torch.equal(ours.grad, theirs.grad)


def test_attention_with_all_its_heads_is_torchs() -> None:
    torch.manual_seed(0)
    theirs = nn.MultiheadAttention(16, 4).eval()
    query, key = torch.randn(5, 2, 16), torch.randn(7, 2, 16)
    expected = theirs(query, key, key, need_weights=False)[0]
    torch.testing.assert_close(MultiheadAttention(theirs)(query, key, key)[0], expected)
    with pytest.raises(NotImplementedError):
        MultiheadAttention(theirs)(query, key, key, attn_mask=torch.zeros(5, 7))


def test_a_network_keeps_its_parameters_and_numbers_when_its_attention_is_replaced() -> None:
    torch.manual_seed(0)
    layer = nn.TransformerDecoderLayer(16, 4, 32, batch_first=True).eval()
    x, names = torch.randn(2, 5, 16), list(layer.state_dict())
    expected = layer(x, x)
    replace_attention(layer)
    assert list(layer.state_dict()) == names
    assert not any(isinstance(module, nn.MultiheadAttention) for module in layer.modules())
    torch.testing.assert_close(layer(x, x), expected)
