"""Conditional GANs: the game of generator and discriminator (Goodfellow et al., arXiv:1406.2661)."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fergan_core.emotions import EMOTIONS, emotion_code
from fergan_core.models import dcgan
from fergan_core.recipe import Gan

_SAMPLE_BATCH = 500


def build_generator(config: Gan, classes: int) -> nn.Module:
    """Make the recipe's generator, freshly initialised: (latents [B,Z], classes [B]) -> faces [B,1,48,48]."""
    network = dcgan.DcganGenerator if config.network == "dcgan" else dcgan.PytorchGanGenerator
    return network(
        classes=classes,
        latent_size=config.latent_size,
        width=config.width,
        embedding_size=config.embedding_size,
        conditioning=config.g_conditioning,
    )


def build_discriminator(config: Gan, classes: int) -> nn.Module:
    """Make the recipe's discriminator, freshly initialised: (faces [B,1,48,48], classes [B]) -> logits [B]."""
    build = dcgan.dcgan_discriminator if config.network == "dcgan" else dcgan.pytorch_gan_discriminator
    return build(classes=classes, width=config.width, conditioning=config.d_conditioning)


def class_table(emotions: Sequence[str], device: torch.device | str) -> Tensor:
    """Return int64 [7]: the network's class of each FER2013 code, -1 where the emotion is not trained."""
    table = torch.full((len(EMOTIONS),), -1, dtype=torch.int64)
    for index, name in enumerate(emotions):
        table[emotion_code(name)] = index
    return table.to(device)


class GanGenerator:
    """A trained generator network that draws faces: the Generator of a GAN."""

    def __init__(self, config: Gan, emotions: Sequence[str], network: nn.Module, device: torch.device) -> None:
        self.emotions = tuple(emotions)
        self._config = config
        self._network = network
        self._device = device
        self._classes = class_table(emotions, device)

    def latents(self, count: int, seed: int) -> Tensor:
        """Draw latents float [count,Z]; on the CPU first, so that a seed gives the same ones on every device."""
        source = torch.Generator().manual_seed(seed)
        shape = (count, self._config.latent_size)
        if self._config.latent == "normal":
            return torch.randn(shape, generator=source).to(self._device)
        return (torch.rand(shape, generator=source) * 2 - 1).to(self._device)

    @torch.inference_mode()
    def generate(self, latents: Tensor, labels: Tensor) -> Tensor:
        """Return faces [n,1,48,48] for latents [n,Z] and FER2013 codes [n]; ValueError on an emotion not trained."""
        return self.draw(latents, labels)

    def draw(self, latents: Tensor, labels: Tensor) -> Tensor:
        """Return the same faces with their derivatives by the latents.

        Batch norm uses its running averages, so that a face does not hang on the others of its batch.
        """
        classes = self._classes[labels.to(self._device)]
        if bool((classes < 0).any()):
            raise ValueError(f"labels must be codes of the trained emotions ({', '.join(self.emotions)})")
        training = self._network.training
        self._network.eval()
        try:
            faces = [
                self._network(latents[i : i + _SAMPLE_BATCH], classes[i : i + _SAMPLE_BATCH]).float()
                for i in range(0, len(latents), _SAMPLE_BATCH)
            ]
        finally:
            self._network.train(training)
        return torch.cat(faces)

    def sample(self, labels: Tensor, seed: int) -> Tensor:
        """Return one face a label, [n,1,48,48]: latents drawn from the seed."""
        return self.generate(self.latents(len(labels), seed), labels)


class AdversarialLearner:
    """Two networks and their optimisers; a step teaches each once. It is a Learner, and `generator` a Generator.

    Real and generated faces pass the discriminator in separate batches, each with its own batch statistics: mixed
    in one batch the statistics give the answer away. Generated faces ask for the emotions of the real batch, so
    both carry the same label prior, and the faces of the discriminator's turn serve the generator's as well.
    """

    networks = ("generator", "discriminator")

    def __init__(self, config: Gan, emotions: Sequence[str], device: torch.device, *, bfloat16: bool = False) -> None:
        self._config = config
        self._device = device
        self._autocast = bfloat16
        self._classes = class_table(emotions, device)
        self._g = build_generator(config, len(emotions)).to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._d = build_discriminator(config, len(emotions)).to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        betas = (config.beta1, config.beta2)
        self._g_optimiser = torch.optim.Adam(self._g.parameters(), config.g_lr, betas, fused=True)
        self._d_optimiser = torch.optim.Adam(self._d.parameters(), config.d_lr, betas, fused=True)
        self._g_run, self._d_run = self._g, self._d
        self.generator = GanGenerator(config, emotions, self._g, device)

    def compile(self) -> None:
        """Compile both networks for the steps; sampling keeps the plain ones, whose batch sizes vary."""
        self._g_run = torch.compile(self._g)
        self._d_run = torch.compile(self._d)

    def step(self, images: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Learn one batch; returns losses, D(real), D(fake), D's accuracy and both gradient norms (0-dim)."""
        images = images.contiguous(memory_format=torch.channels_last)
        classes = self._classes[labels]
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._autocast):
            fake = self._g_run(self._draw(len(images)), classes)
        if self._config.first == "discriminator":
            return self._learn_d(images, fake, classes) | self._learn_g(fake, classes)
        return self._learn_g(fake, classes) | self._learn_d(images, fake, classes)

    def _draw(self, count: int) -> Tensor:
        shape = (count, self._config.latent_size)
        if self._config.latent == "normal":
            return torch.randn(shape, device=self._device)
        return torch.rand(shape, device=self._device) * 2 - 1

    def _wrong(self, classes: Tensor) -> Tensor:
        """Draw for each class another one, each of the others as likely."""
        count = len(self.generator.emotions)
        return (classes + torch.randint(1, count, classes.shape, device=classes.device)) % count

    def _logits(self, images: Tensor, classes: Tensor) -> Tensor:
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._autocast):
            logits: Tensor = self._d_run(images, classes)
        return logits.float() if self._autocast else logits

    def _learn_d(self, real: Tensor, fake: Tensor, classes: Tensor) -> dict[str, Tensor]:
        """Minimise -log D(x) - log(1 - D(G(z))); matching-aware, x under a wrong emotion shares the second term."""
        real_logits = self._logits(real, classes)
        fake_logits = self._logits(fake.detach(), classes)
        fake_loss, extra = F.softplus(fake_logits).mean(), {}
        if self._config.matching_aware:
            wrong_logits = self._logits(real, self._wrong(classes))
            fake_loss = (fake_loss + F.softplus(wrong_logits).mean()) / 2
            extra = {"d_wrong": wrong_logits.detach().sigmoid().mean()}
        loss = F.softplus(-real_logits).mean() + fake_loss
        self._d_optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = _gradient_norm(self._d)
        self._d_optimiser.step()
        with torch.no_grad():
            right = (real_logits > 0).float().mean() + (fake_logits < 0).float().mean()
            return {
                "loss_d": loss.detach(),
                "d_real": real_logits.sigmoid().mean(),
                "d_fake": fake_logits.sigmoid().mean(),
                "d_accuracy": right / 2,
                "grad_norm_d": norm,
                **extra,
            }

    def _learn_g(self, fake: Tensor, classes: Tensor) -> dict[str, Tensor]:
        """Minimise -log D(G(z)), the non-saturating loss; D's own gradients are not computed."""
        self._d.requires_grad_(False)
        loss = F.softplus(-self._logits(fake, classes)).mean()
        self._g_optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self._d.requires_grad_(True)
        norm = _gradient_norm(self._g)
        self._g_optimiser.step()
        return {"loss_g": loss.detach(), "grad_norm_g": norm}

    def state_dict(self) -> dict[str, Any]:
        """Return networks and optimisers."""
        return {
            "generator": self._g.state_dict(),
            "discriminator": self._d.state_dict(),
            "g_optimiser": self._g_optimiser.state_dict(),
            "d_optimiser": self._d_optimiser.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take such a state; the optimisers' moments take their parameters' memory layout, which Adam relies on."""
        self._g.load_state_dict(state["generator"])
        self._d.load_state_dict(state["discriminator"])
        for optimiser, name in ((self._g_optimiser, "g_optimiser"), (self._d_optimiser, "d_optimiser")):
            optimiser.load_state_dict(state[name])
            for parameter, moments in optimiser.state.items():
                for key in ("exp_avg", "exp_avg_sq"):
                    moments[key] = torch.empty_like(parameter).copy_(moments[key])


def _gradient_norm(network: nn.Module) -> Tensor:
    """Return the L2 norm of all gradients of a network together, 0-dim."""
    return torch.nn.utils.get_total_norm([p.grad for p in network.parameters() if p.grad is not None])
