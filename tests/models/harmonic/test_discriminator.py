import torch
from torch import Tensor
from torch.nn import functional as F

from models.harmonic.discriminator import FLOOR, MIDDLE, RESOLUTIONS, SPREAD, SpectrogramDiscriminator
from models.rvc.discriminator import LRELU_SLOPE


def by_definition(judge: SpectrogramDiscriminator, wav: Tensor) -> list[list[Tensor]]:
    """The feature maps, layer after layer by Torch's own transform and convolutions."""
    found = []
    for (size, hop), one in zip(RESOLUTIONS, judge.discriminators, strict=True):
        spectrum = torch.stft(wav[:, 0], size, hop, window=torch.hann_window(size), return_complex=True)
        x, maps = ((spectrum.abs() + FLOOR).log()[:, None] + MIDDLE) / SPREAD, list[Tensor]()
        for conv in one.convs:  # type: ignore[union-attr]
            x = F.leaky_relu(conv(x), LRELU_SLOPE)
            maps.append(x)
        found.append([*maps, one.conv_post(x)])  # type: ignore[operator]
    return found


def test_scores_feature_maps_and_gradients_are_those_of_the_definition() -> None:
    torch.manual_seed(0)
    judge, wav = SpectrogramDiscriminator(), torch.randn(2, 1, 4000)
    known, made = by_definition(judge, wav), judge(*judge.hear(wav[:, 0]))
    for (scores, maps), theirs in zip(made, known, strict=True):
        torch.testing.assert_close(maps, theirs, rtol=1e-3, atol=1e-4)
        torch.testing.assert_close(scores, theirs[-1].flatten(1), rtol=1e-3, atol=1e-4)
    gradients = []
    for maps in (*[maps for _, maps in made], *known):
        judge.zero_grad()
        sum(one.square().sum() for one in maps).backward()
        gradients.append([parameter.grad for parameter in judge.parameters() if parameter.grad is not None])
    torch.testing.assert_close(gradients[:3], gradients[3:], rtol=1e-3, atol=1e-2)


def test_channels_stay_side_by_side_through_layers_and_their_derivatives() -> None:
    judge, wav = SpectrogramDiscriminator(), torch.randn(2, 1, 4000)
    for _, maps in judge(*judge.hear(wav[:, 0])):
        assert all(one.is_contiguous(memory_format=torch.channels_last) for one in maps)
