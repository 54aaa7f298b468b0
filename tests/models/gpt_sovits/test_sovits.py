from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from models.gpt_sovits.sovits import CONTEXT_FRAMES, HOP, Rehearsal, Sovits, SovitsConfig
from tests.goldens import (
    GOLDEN,
    TOLERANCE,
    farthest,
    golden_input,
    golden_integers,
    golden_json,
    golden_keys,
    golden_network,
    golden_tensors,
    official_shapes,
    shapes_of,
)

CASES = {
    "v2": ("det", "noise", "fast", "slow", "multi"),
    "v2Pro": ("det", "noise", "multi"),
}
SPEEDS = {"fast": 1.3, "slow": 0.8}
FULL_SIZE = {
    "v2": SovitsConfig(),
    "v2Pro": SovitsConfig.v2pro(),
    "v2ProPlus": SovitsConfig.v2proplus(),
}
SMALL = SovitsConfig(
    latent_channels=8,
    hidden_channels=12,
    filter_channels=16,
    layers=2,
    style_bins=30,
    spectrum_bins=40,
    upsample_initial_channels=32,
    style_channels=16,
    style_hidden_channels=8,
    reference_channels=16,
    semantic_channels=6,
    codebook_size=20,
    phonemes=30,
)


def small_config(version: str) -> SovitsConfig:
    return SovitsConfig.official(
        golden_json(f"s2_{version}_small_config"), official_shapes(f"s2_{version}_small_half.pth")
    )


def small_network(version: str) -> Sovits:
    return golden_network(lambda: Sovits(small_config(version)))


@pytest.fixture(scope="module", params=CASES)
def version(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def golden(version: str) -> dict[str, Tensor]:
    return golden_tensors(f"s2_{version}_small_io")


@pytest.fixture(scope="module")
def network(version: str) -> Sovits:
    return small_network(version)


def spoken(network: Sovits, golden: dict[str, Tensor], case: str, **options: object) -> Tensor:
    references = [golden_input("s2refer", (1, 1025, 23)).abs()]
    speakers = [golden_input("s2sv", (1, 40))]
    if case == "multi":
        references.append(golden_input("s2refer2", (1, 1025, 30)).abs())
        speakers.append(golden_input("s2sv2", (1, 40)))
    if f"{case}.noise" in golden:
        options = {"noise": golden[f"{case}.noise"], **options}
    with torch.no_grad():
        return network.decode(
            golden["in.codes"],
            golden["in.text"],
            references,
            speakers if network.config.speaker_channels else None,
            noise_scale=0.5 if case in ("noise", "multi") else 0.0,
            speed=SPEEDS.get(case, 1.0),
            **options,
        )


@pytest.mark.parametrize(
    ("version", "case"), [(v, case) for v in CASES for case in CASES[v]], indirect=["version"], scope="module"
)
def test_every_step_on_the_way_to_the_waveform(network: Sovits, golden: dict[str, Tensor], case: str) -> None:
    heard: dict[str, Tensor] = {}

    def listen(name: str, module: torch.nn.Module) -> object:
        return module.register_forward_hook(lambda _module, _inputs, y: heard.update({name: y}))

    prior = network.enc_p
    places = {
        "enc_ssl": prior.encoder_ssl,
        "enc_text": prior.encoder_text,
        "mrte": prior.mrte,
        "prior": prior,
        "ref_enc": network.ref_enc,
        "flow": network.flow,
    }
    hooks = [listen(name, module) for name, module in places.items()]
    heard["audio"] = spoken(network, golden, case)
    for hook in hooks:
        hook.remove()
    heard["m_p"], heard["logs_p"], _ = heard.pop("prior")
    recorded = {key.partition(".")[2]: value for key, value in golden.items() if key.startswith(f"{case}.")}
    recorded.pop("noise", None)
    assert {"audio", "m_p", "logs_p"} <= set(recorded)
    apart = {name: farthest(heard[name], value) for name, value in recorded.items()}
    assert max(apart.values()) < TOLERANCE, apart


def test_the_generator_draws_the_recorded_noise(network: Sovits, golden: dict[str, Tensor]) -> None:
    drawn = spoken(network, golden, "noise", noise=None, generator=torch.Generator().manual_seed(1234))
    assert farthest(drawn, golden["noise.audio"]) < TOLERANCE


def test_semantic_tokens_of_a_recording(network: Sovits, golden: dict[str, Tensor]) -> None:
    assert torch.equal(network.extract_latent(golden["in.ssl"]), golden["latent.codes"])
    with torch.no_grad():
        assert farthest(network.ssl_proj(golden["in.ssl"]), golden["latent.ssl_proj"]) < TOLERANCE


def rehearsed(network: Sovits) -> Rehearsal:
    torch.manual_seed(4321)
    with torch.no_grad():
        return network(
            golden_input("s2trssl", (2, network.config.semantic_channels, 48)),
            golden_input("s2trspec", (2, 1025, 48)).abs(),
            torch.tensor([48, 38]),
            golden_integers("s2trtext", (2, 11), 732),
            torch.tensor([11, 7]),
            golden_input("s2trsv", (2, 40)) if network.config.speaker_channels else None,
        )


def test_a_training_step(network: Sovits, golden: dict[str, Tensor]) -> None:
    """A sample is mean + noise * exp(log deviation), here up to 345: what rounds the logarithm is that much larger in it.

    So ``z`` and what follows are measured against that size; in double precision the same formulas lie 3.5e-4 from the
    recorded ``z`` and 9e-6 from the recorded ``o``. The parts after it are held to the tolerance below, one by one.
    """
    step = rehearsed(network)
    assert torch.equal(step.starts, golden["train.ids"])
    for ours, name in (
        (step.prior_mean, "m_p"),
        (step.prior_log_deviation, "logs_p"),
        (step.posterior_mean, "m_q"),
        (step.posterior_log_deviation, "logs_q"),
    ):
        assert farthest(ours, golden[f"train.{name}"]) < TOLERANCE, name
    size = float((golden["train.noise"] * golden["train.logs_q"].exp()).abs().max())
    assert farthest(step.z, golden["train.z"]) < TOLERANCE * size
    assert farthest(step.z_prior, golden["train.z_p"]) < TOLERANCE * size
    assert farthest(step.wave, golden["train.o"]) < 3 * TOLERANCE


def test_a_training_step_part_by_part(network: Sovits, golden: dict[str, Tensor]) -> None:
    """From the recorded value of one part the next one follows within the tolerance.

    The wave alone within twice as much: double precision lies 9e-6 from the recorded one, which leaves a processor's own
    rounding nothing.
    """
    step = rehearsed(network)
    with torch.no_grad():
        z = (golden["train.m_q"] + golden["train.noise"] * golden["train.logs_q"].exp()) * step.mask
        assert farthest(z, golden["train.z"]) < TOLERANCE
        style = network._style(
            golden_input("s2trspec", (2, 1025, 48)).abs(),
            step.mask,
            golden_input("s2trsv", (2, 40)) if network.config.speaker_channels else None,
        )
        assert farthest(network.flow(golden["train.z"], step.mask, style), golden["train.z_p"]) < TOLERANCE
        cut = torch.stack(
            [
                z[:, start : start + 32]
                for z, start in zip(golden["train.z"], golden["train.ids"], strict=True)
            ]
        )
        assert farthest(network.dec(cut, style), golden["train.o"]) < 2 * TOLERANCE


@pytest.mark.parametrize("version", FULL_SIZE)
def test_full_size_has_every_official_weight(version: str) -> None:
    assert shapes_of(lambda: Sovits(FULL_SIZE[version])) == golden_keys(f"keys_{version}")


@pytest.mark.parametrize("version", FULL_SIZE)
@pytest.mark.parametrize("posterior", [True, False])
def test_the_shapes_tell_the_version(version: str, posterior: bool) -> None:
    """Also without the posterior encoder, and whatever the configuration says of sizes."""
    config = golden_json("s2_v2_small_config")
    config["model"]["hidden_channels"] = config["model"]["n_layers"] = 10**9
    shapes = golden_keys(f"keys_{version}")
    if not posterior:
        shapes = {name: shape for name, shape in shapes.items() if not name.startswith("enc_q.")}
    config["model"]["p_dropout"] = FULL_SIZE[version].dropout
    assert SovitsConfig.official(config, shapes) == FULL_SIZE[version]


@pytest.mark.parametrize(
    ("part", "key", "value"),
    [
        ("model", "upsample_rates", [8, 8, 2, 2, 2]),
        ("model", "upsample_rates", [10, 8, 8]),
        ("model", "upsample_rates", None),
        ("model", "upsample_rates", [-10, -8, 2, 2, 2]),
        ("model", "upsample_rates", [10.0, 8, 2, 2, 2]),
        ("model", "upsample_rates", [2, 2, 2, 8, 10]),
        ("model", "upsample_rates", [5, 16, 2, 2, 2]),
        ("model", "resblock", "2"),
        ("model", "resblock_dilation_sizes", [[1, 3, 10**9]] * 3),
        ("model", "resblock_dilation_sizes", [[1, 3, 1.5]] * 3),
        ("model", "resblock_dilation_sizes", 7),
        ("train", "segment_size", "long"),
        ("data", "hop_length", 512),
        ("data", "filter_length", 1024),
    ],
)
def test_a_configuration_of_something_else_is_refused(part: str, key: str, value: object) -> None:
    config = golden_json("s2_v2_small_config")
    config[part][key] = value
    with pytest.raises(ValueError):
        SovitsConfig.official(config, golden_keys("keys_v2"))


@pytest.mark.parametrize("missing", ["dec.ups.0.weight_v", "ref_enc.fc.fc.weight", "enc_p.mrte.c_pre.weight"])
def test_missing_weights_are_named(missing: str) -> None:
    shapes = golden_keys("keys_v2")
    del shapes[missing]
    with pytest.raises(ValueError, match="SoVITS"):
        SovitsConfig.official(golden_json("s2_v2_small_config"), shapes)


def test_official_weights_load_strictly(golden: dict[str, Tensor], version: str, network: Sovits) -> None:
    config, weights = golden_json(f"s2_{version}_small_config"), network.state_dict()
    speaking = Sovits.of_official(config, {name: weight.half() for name, weight in weights.items()})
    assert not hasattr(speaking, "enc_q") and not speaking.training
    assert all(weight.dtype == torch.float32 for weight in speaking.state_dict().values())
    assert torch.equal(spoken(speaking, golden, "det"), spoken(network, golden, "det"))
    assert hasattr(Sovits.of_official(config, weights, posterior=True), "enc_q")
    spare = dict(weights) | {"dec.extra": torch.zeros(1)}
    with pytest.raises(RuntimeError, match="dec.extra"):
        Sovits.of_official(config, spare)


def test_for_speaking_says_the_same_with_fewer_weights(
    golden: dict[str, Tensor], version: str, network: Sovits
) -> None:
    speaking = deepcopy(network).for_speaking()
    names = set(speaking.state_dict())
    assert not any(name.endswith(("weight_g", "weight_v")) or name.startswith("enc_q.") for name in names)
    assert farthest(spoken(speaking, golden, "multi"), golden["multi.audio"]) < TOLERANCE
    assert farthest(spoken(network, golden, "multi"), golden["multi.audio"]) < TOLERANCE


def test_bfloat16_says_nearly_the_same(golden: dict[str, Tensor], version: str, network: Sovits) -> None:
    """The public networks lose as much: 3e-2."""
    rounded = deepcopy(network).for_speaking().bfloat16()
    style = rounded.style_of(
        [golden_input("s2refer", (1, 1025, 23)).abs().bfloat16()],
        [golden_input("s2sv", (1, 40)).bfloat16()],
    )
    with torch.inference_mode():
        wave = rounded.speak(golden["in.codes"], golden["in.text"], style, noise=golden["noise.noise"])
    assert wave.dtype == torch.bfloat16
    assert farthest(wave.float(), golden["noise.audio"]) < 0.1


def test_speaker_vectors_are_asked_for() -> None:
    pro = small_network("v2Pro")
    reference = golden_input("s2refer", (1, 1025, 23)).abs()
    with pytest.raises(ValueError, match="1 speaker vectors are needed, 0 came"):
        pro.style_of([reference])
    with pytest.raises(ValueError, match="2 speaker vectors are needed, 1 came"):
        pro.style_of([reference, reference], [golden_input("s2sv", (1, 40))])


def test_the_style_hears_the_low_bins_alone() -> None:
    network = small_network("v2")
    reference = golden_input("s2refer", (1, 1025, 23)).abs()
    other = reference.clone()
    other[:, 704:] += 1
    with torch.no_grad():
        assert torch.equal(network.style_of([reference]), network.style_of([other]))
        other[:, 703] += 1
        assert not torch.equal(network.style_of([reference]), network.style_of([other]))


@pytest.mark.parametrize("speed", [0.5, 1.0, 1.7])
def test_every_frame_becomes_640_samples(speed: float) -> None:
    config = replace(SMALL, upsample_kernel_sizes=FULL_SIZE["v2ProPlus"].upsample_kernel_sizes)
    torch.manual_seed(0)
    network = Sovits(config).for_speaking()
    with torch.no_grad():
        wave = network.speak(
            torch.zeros(1, 1, 9, dtype=torch.long),
            torch.zeros(1, 5, dtype=torch.long),
            torch.zeros(1, 16, 1),
            speed=speed,
        )
    frames = 18 if speed == 1.0 else int(18 / speed) + 1
    assert wave.shape == (1, 1, frames * 640) and bool(wave.isfinite().all())


def test_a_padded_batch_trains_like_its_rows() -> None:
    torch.manual_seed(0)
    network = Sovits(SMALL).eval()
    content, spectrum = torch.randn(2, 6, 50), torch.rand(2, 40, 50)
    phonemes, lengths, phoneme_lengths = torch.randint(0, 30, (2, 9)), [50, 40], [9, 4]

    def prior(rows: slice, frames: int, count: int) -> Tensor:
        with torch.no_grad():
            return network(
                content[rows, :, :frames],
                spectrum[rows, :, :frames],
                torch.tensor(lengths[rows]),
                phonemes[rows, :count],
                torch.tensor(phoneme_lengths[rows]),
            ).prior_mean

    together = prior(slice(0, 2), 50, 9)
    assert farthest(together[:1], prior(slice(0, 1), 50, 9)) < TOLERANCE
    assert float(together[1, :, 40:].abs().max()) == 0
    # Not equal: the style encoder's convolutions hear what its bias makes of the padding, in the public networks too.
    assert farthest(together[1:, :, :40], prior(slice(1, 2), 40, 4)) < 0.1


def test_recordings_shorter_than_a_segment_are_refused() -> None:
    network = Sovits(SMALL)
    with pytest.raises(ValueError, match="30 frames; training needs 32"):
        network(
            torch.zeros(1, 6, 30),
            torch.zeros(1, 40, 30),
            torch.tensor([30]),
            torch.zeros(1, 3, dtype=torch.long),
            torch.tensor([3]),
        )


def test_every_weight_that_trains_gets_a_gradient() -> None:
    torch.manual_seed(0)
    network = Sovits(replace(SMALL, speaker_channels=7))
    step = network(
        torch.randn(2, 6, 40),
        torch.rand(2, 40, 40),
        torch.tensor([40, 36]),
        torch.randint(0, 30, (2, 9)),
        torch.tensor([9, 5]),
        torch.randn(2, 7),
    )
    loss = step.wave.square().mean() + step.z_prior.square().mean()
    (loss + step.prior_mean.square().mean() + step.prior_log_deviation.square().mean()).backward()
    still = {name for name, weight in network.named_parameters() if weight.grad is None}
    assert still == {"ssl_proj.weight", "ssl_proj.bias"}  # with the codebook they stay as published


def test_the_posterior_does_not_shape_the_style() -> None:
    torch.manual_seed(0)
    network = Sovits(SMALL)
    arguments = (
        torch.randn(1, 6, 40),
        torch.rand(1, 40, 40),
        torch.tensor([40]),
        torch.randint(0, 30, (1, 9)),
        torch.tensor([9]),
    )
    network(*arguments).z.square().mean().backward()
    assert all(weight.grad is None for weight in network.ref_enc.parameters())
    network(*arguments).wave.square().mean().backward()
    assert all(weight.grad is not None for weight in network.ref_enc.parameters())


@pytest.mark.slow
@pytest.mark.parametrize("version", FULL_SIZE)
def test_full_size_speaks(version: str) -> None:
    config = FULL_SIZE[version]
    network = golden_network(lambda: Sovits(config, posterior=False)).for_speaking()
    speakers = [golden_input("s2sv", (1, 20_480))] if config.speaker_channels else None
    with torch.inference_mode():
        wave = network.decode(
            golden_integers("s2codes", (1, 1, 25), 1024),
            golden_integers("s2text", (1, 20), 732),
            [golden_input("s2refer", (1, 1025, 60)).abs()],
            speakers,
            generator=torch.Generator().manual_seed(0),
        )
    assert wave.shape == (1, 1, 32_000) and bool(wave.isfinite().all()) and float(wave.std()) > 1e-3


def test_the_goldens_are_all_there() -> None:
    assert {path.name for path in GOLDEN.glob("s2_*_io.safetensors")} == {
        f"s2_{v}_small_io.safetensors" for v in CASES
    }


def test_a_part_of_a_sentence_sounds_as_it_does_within_the_whole() -> None:
    torch.manual_seed(0)
    network = Sovits(SMALL, posterior=False).double().eval()
    style = torch.randn(1, network.config.style_channels, 1).double()
    z = torch.randn(1, network.config.latent_channels, 160).double().requires_grad_()
    whole, (begin, end) = network.sound(z, style), (60, 90)
    part = network.sound(z[:, :, begin - CONTEXT_FRAMES : end + CONTEXT_FRAMES], style)
    inside = part[..., CONTEXT_FRAMES * HOP : -CONTEXT_FRAMES * HOP]
    assert torch.allclose(inside, whole[..., begin * HOP : end * HOP], rtol=0, atol=1e-12)
    # and no nearer would do
    (reached,) = torch.autograd.grad(whole[..., begin * HOP : end * HOP].sum(), z)
    frames = reached.abs().sum(dim=1)[0].nonzero()
    assert (int(frames.min()), int(frames.max())) == (begin - CONTEXT_FRAMES, end - 1 + CONTEXT_FRAMES)
