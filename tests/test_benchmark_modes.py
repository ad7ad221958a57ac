"""The benchmark of modes: its digits are read, its counts are those of known generators, its trainings train."""

import math
from dataclasses import replace

import pytest
import torch

from benchmarks import modes
from fergan_core import recipe as recipes


@pytest.fixture(scope="module")
def reader() -> modes.DigitReader:
    return modes.DigitReader(seed=1)


def test_digits_are_equally_likely_in_every_place_and_never_alike() -> None:
    images, digits = modes.stacked_digits(3_000, seed=0)
    assert images.shape == (3_000, 48, 48)
    assert images.dtype == torch.uint8
    counts = torch.stack([torch.bincount(digits[:, place], minlength=10) for place in range(3)])
    assert int((counts - 300).abs().max()) < 75  # 4.5 standard deviations
    assert len(torch.unique(images.flatten(1), dim=0)) == 3_000
    assert torch.equal(images, modes.stacked_digits(3_000, seed=0)[0])


def test_a_place_holds_its_digit_alone() -> None:
    images, digits = modes.stacked_digits(300, seed=0)
    ones = digits == 1
    # A 1 has less ink than any other digit.
    ink = images.view(300, 48, 3, 16).float().sum((1, 3))
    assert float(ink[ones].mean()) < 0.85 * float(ink[~ones].mean())


@pytest.mark.slow
def test_fresh_digits_are_read_as_what_they_are_and_nearly_all_are_clear(reader: modes.DigitReader) -> None:
    images, digits = modes.stacked_digits(500, seed=9)
    read, clear = reader.read(images)
    assert float((read == digits @ torch.tensor([100, 10, 1])).double().mean()) > 0.995
    assert float(clear.double().mean()) > 0.93  # 0.99 of each of three


@pytest.mark.slow
def test_noise_and_mixtures_are_read_as_something_and_are_not_clear(reader: modes.DigitReader) -> None:
    images, _ = modes.stacked_digits(200, seed=9)
    noise = torch.randint(0, 256, (100, 48, 48), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    mixed = (images[:100].float() / 2 + images[100:].float() / 2).to(torch.uint8)
    for unclear in (noise, mixed, torch.zeros_like(noise)):
        read, clear = reader.read(unclear)
        assert 0 <= int(read.min()) <= int(read.max()) <= 999
        assert float(clear.double().mean()) < 0.05


def test_reverse_kl_by_hand() -> None:
    assert modes.reverse_kl(torch.arange(1000).repeat(3)) == pytest.approx(0, abs=1e-12)
    assert modes.reverse_kl(torch.zeros(50, dtype=torch.int64)) == pytest.approx(math.log(1000))
    assert modes.reverse_kl(torch.arange(100).repeat(2)) == pytest.approx(math.log(10))
    # Of N draws of the uniform distribution about (1000 - 1) / 2N.
    uniform = torch.randint(1000, (26_000,), generator=torch.Generator().manual_seed(0))
    assert modes.reverse_kl(uniform) == pytest.approx(999 / 52_000, rel=0.15)


@pytest.mark.slow
def test_a_training_ends_with_its_images_and_its_rates() -> None:
    plain = recipes.preset("r3gan")
    recipe = replace(plain, emotions=("neutral",), batch_size=8, method=replace(plain.method, width=2))
    images, _ = modes.stacked_digits(20, seed=0)
    trained = modes.train(recipe, images, torch.full((20,), 6), seen=40)
    assert trained.generator.sample(torch.tensor([6, 6]), 0).shape == (2, 1, 48, 48)
    assert trained.learner.state_dict()["done"] == 5
    rate = trained.learner.state_dict()["d_optimiser"]["param_groups"][0]["lr"]
    assert rate == pytest.approx(plain.method.d_lr / 5)


def test_every_variant_is_a_recipe_and_none_is_another() -> None:
    plain = recipes.preset("r3gan")
    variants = [replace(plain.method, **changes) for changes in modes.VARIANTS.values()]
    assert len(set(map(repr, variants))) == len(variants)
    assert variants[0] == plain.method
