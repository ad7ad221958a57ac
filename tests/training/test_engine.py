"""The engine: order, seeding and continuation, on a Learner that writes down what it is given."""

from typing import Any

import pytest
import torch

from fergan_core.errors import UsageError
from fergan_core.training import engine


class Diary:
    """A Learner that only remembers its batches."""

    networks = ()

    def __init__(self) -> None:
        self.batches: list[torch.Tensor] = []
        self.labels: list[torch.Tensor] = []
        self.draws: list[float] = []

    def step(self, images: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        self.batches.append(images.clone())
        self.labels.append(labels.clone())
        self.draws.append(float(torch.rand(())))
        return {"mean": images.mean()}

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        del state


@pytest.fixture
def images() -> torch.Tensor:
    # Every image carries its own number in all its pixels.
    return torch.arange(20, dtype=torch.uint8)[:, None, None].expand(20, 48, 48).contiguous()


def diary(images: torch.Tensor, **options: Any) -> Diary:
    learner = Diary()
    engine.fit(learner, images, torch.arange(20), **({"batch_size": 6, "epochs": 3, "seed": 5} | options))
    return learner


def test_an_epoch_shows_each_image_at_most_once_and_leaves_out_the_remainder(images: torch.Tensor) -> None:
    learner = diary(images, epochs=2)
    assert len(learner.batches) == 2 * 3
    for epoch in (learner.labels[:3], learner.labels[3:]):
        assert len(torch.cat(epoch).unique()) == 18
    assert not torch.equal(torch.cat(learner.labels[:3]), torch.cat(learner.labels[3:]))


def test_images_and_labels_stay_together(images: torch.Tensor) -> None:
    learner = diary(images)
    for batch, labels in zip(learner.batches, learner.labels, strict=True):
        assert torch.equal(engine.to_bytes(batch)[:, 0, 0].long(), labels)


@pytest.mark.parametrize("start", range(1, 9))
def test_a_training_continued_anywhere_draws_what_an_uninterrupted_one_draws(images: torch.Tensor, start: int) -> None:
    uninterrupted, continued = diary(images), diary(images, start_step=start)
    assert continued.draws == uninterrupted.draws[start:]
    assert all(torch.equal(a, b) for a, b in zip(continued.labels, uninterrupted.labels[start:], strict=True))


def test_another_seed_draws_another_order(images: torch.Tensor) -> None:
    assert not torch.equal(torch.cat(diary(images).labels), torch.cat(diary(images, seed=6).labels))


def test_flips_mirror_about_half_of_the_images() -> None:
    ramp = torch.arange(48, dtype=torch.uint8).expand(1000, 48, 48).contiguous()
    torch.manual_seed(0)
    batch, _ = engine.draw_batch(ramp, torch.zeros(1000), torch.arange(1000), flip=True)
    mirrored = batch[:, 0, 0, 0] > batch[:, 0, 0, -1]
    assert 440 < int(mirrored.sum()) < 560


def test_bytes_survive_the_conversion_to_floats_and_back() -> None:
    every_grey = torch.arange(256, dtype=torch.uint8).repeat(9).view(1, 48, 48)
    assert torch.equal(engine.to_bytes(engine.to_float(every_grey)), every_grey)
    assert float(engine.to_float(every_grey).min()) == -1.0
    assert float(engine.to_float(every_grey).max()) == pytest.approx(1.0)


def test_fewer_images_than_a_batch_are_refused(images: torch.Tensor) -> None:
    with pytest.raises(UsageError, match="21 is more than the 20 training images"):
        diary(images, batch_size=21)


def test_hooks_see_every_step_and_every_epoch(images: torch.Tensor) -> None:
    class Watch(engine.Hook):
        def __init__(self) -> None:
            self.steps: list[engine.Progress] = []
            self.epochs: list[engine.Progress] = []

        def after_step(self, progress: engine.Progress, scalars: dict[str, torch.Tensor]) -> None:
            self.steps.append(progress)

        def after_epoch(self, progress: engine.Progress) -> None:
            self.epochs.append(progress)

    watch = Watch()
    diary(images, hooks=[watch])
    assert [p.step for p in watch.steps] == list(range(1, 10))
    assert [(p.step, p.epoch, p.images_seen) for p in watch.epochs] == [(3, 1, 18), (6, 2, 36), (9, 3, 54)]


def test_rare_labels_are_drawn_as_often_as_the_sampling_says() -> None:
    labels = torch.tensor([0] * 900 + [1] * 100)
    for sampling, share in (("natural", 0.1), ("sqrt", 0.25), ("balanced", 0.5)):
        weights = engine.sampling_weights(labels, sampling)
        orders = [engine.epoch_order(1000, 0, epoch, weights) for epoch in range(40)]
        rare_share = torch.stack([labels[order].double().mean() for order in orders]).mean()
        assert float(rare_share) == pytest.approx(share, abs=0.01)
        assert torch.equal(orders[0], engine.epoch_order(1000, 0, 0, weights))
        assert not torch.equal(orders[0], orders[1])
