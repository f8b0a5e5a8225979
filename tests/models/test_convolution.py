import pytest
import torch
from torch import Tensor, nn

from models.convolution import Conv1d, DepthwiseConv1d, conv_transpose1d, replace_convolutions


def clip(channels: int = 8, samples: int = 60) -> Tensor:
    return torch.randn(2, channels, samples, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "dilation", "groups"),
    [(5, 1, 6, 3, 1), (4, 3, 0, 1, 1), (7, 1, 3, 1, 8)],
    ids=["dilated", "strided", "of each channel"],
)
def test_a_convolution_computes_what_torchs_own_does(
    kernel: int, stride: int, padding: int, dilation: int, groups: int
) -> None:
    plain = nn.Conv1d(8, 16, kernel, stride, padding, dilation, groups)
    ours = Conv1d(8, 16, kernel, stride, padding, dilation, groups)
    ours.load_state_dict(plain.state_dict())
    with torch.inference_mode():
        torch.testing.assert_close(ours(clip()), plain(clip()))


def test_a_transposed_convolution_computes_what_torchs_own_does() -> None:
    plain = nn.ConvTranspose1d(8, 4, 16, 10, padding=3)
    with torch.inference_mode():
        ours = conv_transpose1d(clip(), plain.weight, plain.bias, 10, 3)
        torch.testing.assert_close(ours, plain(clip()))


def test_channels_stay_side_by_side_from_one_convolution_to_the_next() -> None:
    layers = nn.Sequential(Conv1d(8, 16, 3, padding=1), nn.LeakyReLU(), Conv1d(16, 4, 3))
    with torch.inference_mode():
        for length in range(1, 4):
            assert layers[:length](clip()).mT.is_contiguous()


def test_a_network_that_learns_is_left_to_torch() -> None:
    plain, ours = nn.Conv1d(8, 16, 3), Conv1d(8, 16, 3)
    ours.load_state_dict(plain.state_dict())
    for conv in (plain, ours):
        conv(clip()).square().sum().backward()
    assert ours(clip()).is_contiguous()
    assert torch.equal(plain.weight.grad, ours.weight.grad)  # type: ignore[arg-type]


def test_a_kernel_for_each_channel_and_its_derivatives_are_torchs_own() -> None:
    plain = nn.Conv1d(8, 8, 5, padding=2, groups=8).double()
    ours, (known, given) = DepthwiseConv1d(8, 5).double(), (clip().double().requires_grad_() for _ in range(2))
    ours.load_state_dict(plain.state_dict())
    for conv, sound in ((plain, known), (ours, given)):
        conv(sound).sin().sum().backward()
    torch.testing.assert_close(ours(given), plain(known))
    torch.testing.assert_close(given.grad, known.grad)
    for mine, theirs in zip(ours.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, theirs.grad)


def test_a_kernel_for_each_channel_learns_in_float32_where_others_do_in_bfloat16() -> None:
    conv, sound = DepthwiseConv1d(8, 5), clip().bfloat16().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        made = conv(sound)
    made.sum().backward()
    assert made.dtype == torch.float32
    assert sound.grad is not None and sound.grad.dtype == torch.bfloat16


def test_a_packages_network_takes_it_over_with_its_weights() -> None:
    network = nn.Sequential(nn.Conv1d(8, 8, 3), nn.GELU(), nn.Conv1d(8, 8, 3, padding="same"))
    with torch.inference_mode():
        before = network(clip())
        replace_convolutions(network)
        assert [type(layer) for layer in network] == [Conv1d, nn.GELU, nn.Conv1d]
        torch.testing.assert_close(network(clip()), before)
