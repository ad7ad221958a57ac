"""MeanFlow against a known truth: of a normal distribution velocity, paths and averages are closed-form.

Each path carries a quantile: x at time t is m(t) + s(t) z, with m(t) = t mean, s(t)^2 = (t deviation)^2 + (1 - t)^2.
"""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from fergan_core.errors import UsageError
from fergan_core.methods import build_learner, denoising, meanflow, solvers
from fergan_core.methods.forward_mode import derivative
from fergan_core.recipe import Denoiser, MeanFlow, Recipe, from_dict
from fergan_core.training import engine

CPU = torch.device("cpu")
MEAN, DEVIATION = 0.4, 0.3


def spread(times: Tensor, deviation: float = DEVIATION) -> Tensor:
    return ((times * deviation) ** 2 + (1 - times) ** 2).sqrt()


def velocity(x: Tensor, times: Tensor, mean: float = MEAN, deviation: float = DEVIATION) -> Tensor:
    """The expectation of face - noise at x."""
    t = times[:, None, None, None]
    slope = (t * deviation**2 - (1 - t)) / spread(t, deviation) ** 2
    return mean + slope * (x - t * mean)


def average(x: Tensor, starts: Tensor, ends: Tensor) -> Tensor:
    """The mean velocity on the path through x from start to end."""
    s, e = starts[:, None, None, None], ends[:, None, None, None]
    end_of_path = e * MEAN + spread(e) / spread(s) * (x - s * MEAN)
    return (end_of_path - x) / (e - s)


def states(count: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """States [n,1,2,2] of the path with starts and ends of spans [n]."""
    source = torch.Generator().manual_seed(seed)
    starts, lengths = torch.rand(2, count, generator=source, dtype=torch.float64)
    ends = starts + lengths * (1 - starts)
    z = torch.randn(count, 1, 2, 2, generator=source, dtype=torch.float64)
    s = starts[:, None, None, None]
    return s * MEAN + spread(s) * z, starts, ends


def test_the_closed_form_is_where_the_velocity_leads() -> None:
    x, _, _ = states(4)
    start, end = 0.2, 0.9

    def slope(state: Tensor, time: float) -> Tensor:
        return velocity(state, torch.full((len(state),), time, dtype=state.dtype))

    (end_of_path,) = solvers.adaptive(slope, x, torch.tensor([start, end], dtype=torch.float64), tolerance=1e-9)
    of_span = average(x, *(torch.full((4,), time, dtype=torch.float64) for time in (start, end)))
    torch.testing.assert_close(x + (end - start) * of_span, end_of_path, atol=1e-7, rtol=0)


def test_the_target_of_the_true_average_velocity_is_itself() -> None:
    x, starts, ends = states(500)
    target = meanflow.average_target(average, x, starts, ends, velocity(x, starts))
    torch.testing.assert_close(target, average(x, starts, ends), atol=1e-10, rtol=1e-8)


def test_the_target_of_a_wrong_average_velocity_is_another() -> None:
    x, starts, ends = states(500)

    def wrong(x: Tensor, starts: Tensor, ends: Tensor) -> Tensor:
        return average(x, starts, ends) + 0.1 * starts[:, None, None, None]

    target = meanflow.average_target(wrong, x, starts, ends, velocity(x, starts))
    # A derivative of 0.1 in the start, times the span, in place of what was added.
    expected = average(x, starts, ends) + 0.1 * (ends - starts)[:, None, None, None]
    torch.testing.assert_close(target, expected)


def test_faces_and_noise_give_the_same_target_on_average() -> None:
    """So that the true average velocity has no gradient of the loss: the target's error is not correlated with x."""
    count, source = 200_000, torch.Generator().manual_seed(0)
    faces, noise = torch.randn(2, count, 1, 1, 1, generator=source, dtype=torch.float64)
    faces = MEAN + DEVIATION * faces
    starts, ends = (torch.full((count,), time, dtype=torch.float64) for time in (0.3, 0.8))
    x = 0.3 * faces + 0.7 * noise
    errors = (meanflow.average_target(average, x, starts, ends, faces - noise) - average(x, starts, ends)).flatten()
    z = (x.flatten() - 0.3 * MEAN) / float(spread(torch.tensor(0.3)))
    for feature in (torch.ones_like(z), z, z**2 - 1):
        product = errors * feature
        assert abs(float(product.mean())) < 4 * float(product.std()) / count**0.5
    assert float(errors.std()) > 0.1


def test_spans_are_of_the_first_faces_and_their_times_are_the_papers() -> None:
    torch.manual_seed(0)
    starts, ends = meanflow.draw_spans(40_000, 30_000, CPU)
    assert bool((ends[:30_000] > starts[:30_000]).all())
    assert torch.equal(ends[30_000:], starts[30_000:])
    assert float(starts.min()) > 0
    assert float(ends.max()) < 1
    # The paper's time runs from face to noise: of both times of a span together its logit is normal.
    logits = -torch.logit(torch.cat((starts[:30_000], ends[:30_000])).double())
    assert float(logits.mean()) == pytest.approx(meanflow.P_MEAN, abs=0.02)
    assert float(logits.std()) == pytest.approx(meanflow.P_STD, abs=0.02)


def test_a_face_weighs_as_much_as_its_error_is_small() -> None:
    errors = torch.tensor([0.5, 50.0], requires_grad=True)
    weighted = meanflow.weighted(errors)
    (gradient,) = torch.autograd.grad(weighted.sum(), errors)
    torch.testing.assert_close(gradient, 1 / (errors.detach() + 1e-3))


class Exact(nn.Module):
    """The true velocities of two normal distributions, one of an emotion and one of none, guided or not."""

    means = (0.5, 0.1)

    def __init__(self, guidance: float) -> None:
        super().__init__()
        self.guidance = guidance
        self.unused = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor, levels: Tensor, classes: Tensor) -> Tensor:
        with_emotion, without = (velocity(x, levels[:, 0], mean) for mean in self.means)
        guided = self.guidance * with_emotion + (1 - self.guidance) * without
        return torch.where((classes == 0)[:, None, None, None], guided, without) + 0 * self.unused


@pytest.mark.parametrize("guidance", [1.0, 2.0, 3.0])
def test_the_guided_velocity_is_what_a_network_that_has_it_learns(
    guidance: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own velocity, that of no emotion and the faces' give what guidance means: g v(emotion) + (1 - g) v(none)."""
    monkeypatch.setattr(denoising, "build_network", lambda config, classes: Exact(guidance))
    plan = Recipe(emotions=("happy",), method=MeanFlow(guidance=guidance))
    learner = build_learner(plan, CPU, steps=1, bfloat16=False)
    assert isinstance(learner, meanflow.MeanFlowLearner)
    source, seen = torch.Generator().manual_seed(0), []

    def guided(velocities: Tensor, *others: Any) -> Tensor:
        seen.append((velocities, others, type(learner)._guided(learner, velocities, *others)))
        return seen[-1][-1]

    monkeypatch.setattr(learner, "_guided", guided)
    faces = 0.5 + DEVIATION * torch.randn(16, 1, 2, 2, generator=source)
    classes = torch.tensor([0, 1] * 8)  # the second one stands for no emotion
    torch.manual_seed(0)
    learner._objective(faces, classes)
    if guidance == 1:
        assert not seen
        return
    ((velocities, (_, x, starts, _, _), result),) = seen
    with_emotion, without = (velocity(x, starts, mean) for mean in Exact.means)
    # The faces' velocity is that of the emotion plus noise, which guidance scales by omega.
    omega = guidance * (1 - meanflow.KAPPA)
    expected = guidance * with_emotion + (1 - guidance) * without + omega * (velocities - with_emotion)
    torch.testing.assert_close(result[::2], expected[::2])
    torch.testing.assert_close(result[1::2], velocities[1::2])


class Linear(nn.Module):
    """An estimate that is linear in x, as the truth is of normal distributions: slope and constant by time and span."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.emotion = nn.Embedding(classes + 1, 8)
        self.layers = nn.Sequential(nn.Linear(10, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 2))

    def forward(self, x: Tensor, levels: Tensor, classes: Tensor) -> Tensor:
        slopes, constants = self.layers(torch.cat((levels, self.emotion(classes)), 1))[:, :, None, None].chunk(2, 1)
        estimate: Tensor = slopes * x + constants
        return estimate


@pytest.mark.thorough
@pytest.mark.slow
def test_it_learns_to_map_noise_to_normal_faces_in_one_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(denoising, "build_network", lambda config, classes: Linear(classes))
    method, steps = MeanFlow(lr=1e-2, warmup=0, ema=0.98, guidance=1.0), 1_000
    learner = build_learner(Recipe(emotions=("happy", "sad"), method=method), CPU, steps=steps, bfloat16=False)
    codes, truth = torch.tensor([3, 4]).repeat(128), {3: (0.5, 0.5), 4: (-0.5, 0.8)}
    means, deviations = torch.tensor([truth[int(code)] for code in codes]).T[:, :, None, None, None]
    for step in range(steps):
        torch.manual_seed(engine.derive_seed(0, engine.STEP_STREAM, step))
        learner.step(means + deviations * torch.randn(256, 1, 4, 4), codes)
    generator = learner.generator
    assert isinstance(generator, meanflow.MeanFlowGenerator)
    noise = torch.randn(2_000, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    for code, (mean, deviation) in truth.items():
        labels = torch.full((len(noise),), code)
        for few in (1, 2):
            faces = generator.resampled(replace(method.sampling, steps=few)).generate(noise, labels)
            assert float(faces.mean()) == pytest.approx(mean, abs=0.1)
            assert float(faces.std()) == pytest.approx(deviation, abs=0.06)
            # Paths do not cross: each carries its quantile of the noise.
            assert float(((faces - mean) / deviation * noise).mean()) > 0.9
        # A step with the velocity of the start, which flow matching has, ends at the mean.
        levels, classes = torch.zeros(len(noise), 2), torch.full((len(noise),), code - 3)
        with torch.no_grad():
            straight_on = noise + generator._network(noise, levels, classes)
        assert float(straight_on.std()) < 0.2


def test_a_face_takes_a_pass_a_step_and_has_the_guidance_that_was_learnt_and_no_density() -> None:
    plan = from_dict(
        {"emotions": ["happy", "sad"], "method": {"kind": "meanflow", "width": 8, "sample_steps": 1, "guidance": 3}}
    )
    assert isinstance(plan.method, Denoiser)
    generator = build_learner(plan, CPU, steps=1, bfloat16=False).generator
    assert isinstance(generator, meanflow.MeanFlowGenerator)
    sampling = plan.method.sampling
    two = generator.resampled(replace(sampling, steps=2))
    assert (generator.nfe, two.nfe) == (1, 2)
    assert len(list(two.path(generator.latents(1, 0), torch.tensor([3])))) == 2
    with pytest.raises(UsageError, match="a guidance of 3 only"):
        generator.resampled(replace(sampling, guidance=1.0))
    assert generator.log_likelihood(torch.zeros(1, 1, 48, 48), torch.tensor([3]), 0) is None


def test_the_u_nets_estimate_depends_on_the_time_and_on_the_span() -> None:
    torch.manual_seed(0)
    network = denoising.build_network(MeanFlow(width=8), 2)
    for parameter in network.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    x, levels, classes = torch.randn(2, 1, 48, 48), torch.rand(2, 2), torch.tensor([0, 2])
    for column in (0, 1):
        direction = torch.zeros(2, 2)
        direction[:, column] = 1
        slope = derivative(lambda levels: network(x, levels, classes), (levels,), (direction,))
        assert float(slope.abs().mean()) > 1e-3
