"""Conditional GANs: the game of generator and discriminator (Goodfellow et al., arXiv:1406.2661)."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from fergan_core.methods.augment import augmentation
from fergan_core.methods.compiling import compiled
from fergan_core.methods.ema import Ema
from fergan_core.methods.instruments import Batch, DiscriminatorProbe, FakeHistory, Spectra, update_ratio
from fergan_core.methods.losses import gan_loss
from fergan_core.methods.networks import build_discriminator, build_generator, class_table, gan_generator
from fergan_core.methods.optimiser import gradient_norm, rate_at, restore
from fergan_core.methods.penalties import LeCam, gradient_penalty, r1
from fergan_core.recipe import Gan

_GRADIENT_PENALTY = 10.0  # arXiv:1704.00028, algorithm 1


def unlike_steps(config: Gan) -> int:
    """Return after how many steps the same kinds of steps come again: with --d-steps and lazy R1 they are not alike."""
    return config.d_steps * (config.r1_every if config.r1 else 1)


class AdversarialLearner:
    """Two networks and their optimisers; a step teaches each once. It is a Learner, and `generator` a Generator.

    Real and generated faces pass the discriminator in separate batches, each with its own batch statistics: mixed
    in one batch the statistics give the answer away. Generated faces ask for the emotions of the real batch, so
    both carry the same label prior, and the faces of the discriminator's turn serve the generator's as well.
    `steps` is the training's whole length, over which rates and noise fade.
    """

    def __init__(
        self, config: Gan, emotions: Sequence[str], device: torch.device, *, steps: int, bfloat16: bool = False
    ) -> None:
        self._config, self._device, self._autocast = config, device, bfloat16
        self._steps, self._done = steps, 0
        self._classes = class_table(emotions, device)
        self._game = gan_loss(config.loss, config.label_smoothing)
        self._g = build_generator(config, len(emotions)).to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._d = build_discriminator(config, len(emotions)).to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        betas = (config.beta1, config.beta2)
        self._g_optimiser = torch.optim.Adam(self._g.parameters(), config.g_lr, betas, fused=True)
        self._d_optimiser = torch.optim.Adam(self._d.parameters(), config.d_lr, betas, fused=True)
        self._g_run: Callable[..., Tensor] = self._g
        self._d_run: Callable[..., Tensor] = self._d
        self._augment = augmentation(config.augment, device)
        self._lecam = LeCam(device)
        self._average: Ema | None = None
        if config.g_ema:
            copy = build_generator(config, len(emotions)).to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
            self._average = Ema(self._g, copy, config.g_ema)
        drawn_by = self._average.network if self._average else self._g
        self.generator = gan_generator(config, emotions, drawn_by, device)
        # What `measure` looks with and at.
        self._untold = gan_generator(config, emotions, self._g, device)
        self._onlooker, self._old = DiscriminatorProbe(self._d), FakeHistory(device)
        self._spectra = (Spectra(self._g, "g"), Spectra(self._d, "d"))

    @property
    def networks(self) -> tuple[str, ...]:
        """Names of the state's entries that are weights; `average` where the recipe averages the generator."""
        return ("generator", "discriminator") if self._average is None else ("generator", "discriminator", "average")

    def compile(self) -> None:
        """Compile both networks for the steps; sampling keeps the plain ones, whose batch sizes vary."""
        self._g_run = compiled(self._g)
        self._d_run = compiled(self._d)

    def step(self, images: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Learn one batch; returns losses, D's logits and accuracy, both gradient norms and G's by D's (0-dim).

        With `d_steps` above 1 the generator learns in every so many-th step only, and is told of only there.
        """
        images = images.contiguous(memory_format=torch.channels_last)
        classes = self._classes[labels]
        self._set_rates()
        self._done += 1
        both = self._done % self._config.d_steps == 0
        with (
            torch.set_grad_enabled(both),
            torch.autocast(self._device.type, torch.bfloat16, enabled=self._autocast),
        ):
            fake = self._g_run(self._draw(len(images)), classes)
        if not both:
            return self._learn_d(images, fake, classes)
        if self._config.first == "discriminator":
            told = self._learn_d(images, fake, classes) | self._learn_g(fake, classes)
        else:
            told = self._learn_g(fake, classes) | self._learn_d(images, fake, classes)
        return told | {"grad_ratio": told["grad_norm_g"] / told["grad_norm_d"]}

    def measure(self, train: Batch, held_out: Batch) -> dict[str, Tensor]:
        """Measure what the losses do not tell, of some training and held-out faces and their FER2013 codes.

        d_accuracy_held_out, _old  share of unseen real faces, and of earlier fakes, that D takes for what they are
        r_t, r_v   how surely D takes training faces for real, -1 to 1, and how much farther than unseen ones it puts
                   them from fakes: 0 is equally far, 1 is overfitting (Karras et al. 2020, arXiv:2006.06676, eq. 1)
        update_ratio_d and _g  length of the last update by that of the weights
        spectral_d/LAYER, spectral_g/LAYER  largest singular values
        """
        seen, unseen = ((faces, self._classes[codes]) for faces, codes in (train, held_out))
        latents = self._untold.latents(len(train[0]), self._done)
        fakes = self._untold.generate(latents, train[1])
        of_train, of_unseen, of_fakes = self._onlooker.logits(seen, unseen, (fakes, seen[1]))
        apart = of_train.mean() - of_fakes.mean()
        found = {
            "d_accuracy_held_out": (of_unseen > self._game.middle).float().mean(),
            "r_t": (of_train - self._game.middle).sign().mean(),
            "r_v": (of_train.mean() - of_unseen.mean()) / apart,
            "update_ratio_d": update_ratio(self._d_optimiser),
            "update_ratio_g": update_ratio(self._g_optimiser),
        }
        if self._old.times:
            (of_old,) = self._onlooker.logits(self._old.known())
            found["d_accuracy_old"] = (of_old < self._game.middle).float().mean()
        self._old.keep(fakes, seen[1])
        for spectra in self._spectra:
            found |= spectra.measure()
        return found

    def _set_rates(self) -> None:
        """Let the learning rates fall to 0 in a straight line over the training, where the recipe says so."""
        for optimiser, rate in ((self._g_optimiser, self._config.g_lr), (self._d_optimiser, self._config.d_lr)):
            now = rate_at(rate, self._done, self._steps, decay=self._config.lr_decay)
            optimiser.param_groups[0]["lr"] = now

    def _draw(self, count: int) -> Tensor:
        shape = (count, self._config.latent_size)
        if self._config.latent == "normal":
            return torch.randn(shape, device=self._device)
        return torch.rand(shape, device=self._device) * 2 - 1

    def _wrong(self, classes: Tensor) -> Tensor:
        """Draw for each class another one, each of the others as likely."""
        count = len(self.generator.emotions)
        return (classes + torch.randint(1, count, classes.shape, device=classes.device)) % count

    def _shown(self, faces: Tensor) -> Tensor:
        """Return faces as the discriminator is shown them: augmented, under noise that fades (arXiv:1610.04490)."""
        faces = self._augment(faces)
        if self._config.instance_noise:
            left = max(0.0, 1 - self._done / self._steps)
            faces = faces + torch.randn_like(faces) * (self._config.instance_noise * left)
        return faces

    def _logits(self, images: Tensor, classes: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return D's logits [B] and, from an auxiliary classifier, the emotions' [B,classes]."""
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._autocast):
            logits: Tensor = self._d_run(images, classes)
        logits = logits.float() if self._autocast else logits
        return (logits, None) if logits.ndim == 1 else (logits[:, 0], logits[:, 1:])

    def _learn_d(self, real: Tensor, fake: Tensor, classes: Tensor) -> dict[str, Tensor]:
        """Minimise the game's loss; matching-aware, real faces under a wrong emotion share the fakes' term."""
        shown, shown_fake = self._shown(real), self._shown(fake.detach())
        real_logits, real_emotions = self._logits(shown, classes)
        fake_logits, fake_emotions = self._logits(shown_fake, classes)
        fake_loss, extra = self._game.on_fake(fake_logits), {}
        if self._config.matching_aware:
            wrong_logits, _ = self._logits(shown, self._wrong(classes))
            fake_loss = (fake_loss + self._game.on_fake(wrong_logits)) / 2
            extra = {"d_wrong": wrong_logits.detach().sigmoid().mean()}
        loss = self._game.on_real(real_logits) + fake_loss
        if real_emotions is not None and fake_emotions is not None:
            loss = loss + (F.cross_entropy(real_emotions, classes) + F.cross_entropy(fake_emotions, classes)) / 2
            extra["d_emotion_accuracy"] = (real_emotions.detach().argmax(1) == classes).float().mean()
        penalties = self._penalties(shown, shown_fake, real_logits, fake_logits, classes)
        for name, value in penalties.items():
            loss = loss + value
            extra[f"penalty_{name}"] = value.detach()
        self._d_optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = gradient_norm(self._d)
        self._d_optimiser.step()
        self._augment.observe(real_logits.detach())
        return {"loss_d": loss.detach(), "grad_norm_d": norm, **self._told(real_logits, fake_logits), **extra}

    @torch.no_grad()
    def _told(self, real_logits: Tensor, fake_logits: Tensor) -> dict[str, Tensor]:
        """Return what D's logits say: accuracies, means, spread, and probabilities where they are some."""
        on_real = (real_logits > self._game.middle).float().mean()
        on_fake = (fake_logits < self._game.middle).float().mean()
        told = {
            "d_accuracy": (on_real + on_fake) / 2,
            "d_accuracy_real": on_real,
            "d_accuracy_fake": on_fake,
            "logit_real": real_logits.mean(),
            "logit_fake": fake_logits.mean(),
            "logit_spread": torch.cat((real_logits, fake_logits)).std(),
        }
        if self._game.probabilities:
            told |= {"d_real": real_logits.sigmoid().mean(), "d_fake": fake_logits.sigmoid().mean()}
        return told | self._augment.scalars()

    def _penalties(
        self, real: Tensor, fake: Tensor, real_logits: Tensor, fake_logits: Tensor, classes: Tensor
    ) -> dict[str, Tensor]:
        """Return the recipe's penalties of this step by name, each with its weight."""
        config, found = self._config, {}

        def discriminate(faces: Tensor) -> Tensor:
            # In float32: bfloat16 has too few digits for a derivative of a derivative.
            with torch.autocast(self._device.type, enabled=False):
                logits: Tensor = self._d(faces.float(), classes)
            return logits if logits.ndim == 1 else logits[:, 0]

        if config.loss == "wgan-gp":
            found["gradient"] = _GRADIENT_PENALTY * gradient_penalty(discriminate, real, fake)
        if config.r1 and (self._done - 1) % config.r1_every == 0:
            # Lazily, with the weight of the steps left out (Karras et al. 2020, arXiv:1912.04958, appendix B).
            found["r1"] = config.r1 * config.r1_every * r1(discriminate, real)
        if config.lecam:
            found["lecam"] = config.lecam * self._lecam(real_logits, fake_logits)
        return found

    def _learn_g(self, fake: Tensor, classes: Tensor) -> dict[str, Tensor]:
        """Minimise the game's loss of the generator; D's own gradients are not computed."""
        self._d.requires_grad_(False)
        logits, emotions = self._logits(self._shown(fake), classes)
        loss = self._game.for_generator(logits)
        if emotions is not None:
            loss = loss + F.cross_entropy(emotions, classes)
        self._g_optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self._d.requires_grad_(True)
        norm = gradient_norm(self._g)
        self._g_optimiser.step()
        if self._average is not None:
            self._average.follow(self._done)
        return {"loss_g": loss.detach(), "grad_norm_g": norm}

    def state_dict(self) -> dict[str, Any]:
        """Return networks, optimisers, and where everything stands that changes over a training."""
        state = {
            "generator": self._g.state_dict(),
            "discriminator": self._d.state_dict(),
            "g_optimiser": self._g_optimiser.state_dict(),
            "d_optimiser": self._d_optimiser.state_dict(),
            "done": self._done,
            "augment": self._augment.state_dict(),
            "lecam": self._lecam.averages,
            "old": self._old.state_dict(),
            "spectra": [spectra.state_dict() for spectra in self._spectra],
        }
        return state if self._average is None else state | {"average": self._average.network.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take such a state."""
        self._g.load_state_dict(state["generator"])
        self._d.load_state_dict(state["discriminator"])
        if self._average is not None:
            # A fork may begin to average where its parent did not.
            self._average.network.load_state_dict(state.get("average") or state["generator"])
        for optimiser, name, rate in (
            (self._g_optimiser, "g_optimiser", self._config.g_lr),
            (self._d_optimiser, "d_optimiser", self._config.d_lr),
        ):
            restore(optimiser, state[name], lr=rate, betas=(self._config.beta1, self._config.beta2))
        if "done" in state:  # an older state lacks it: then nothing changed over a training
            self._done = int(state["done"])
            if state["augment"]:
                self._augment.load_state_dict(state["augment"])
            self._lecam.averages = state["lecam"].to(self._device).clone()
            self._old.load_state_dict(state["old"])
            for spectra, known in zip(self._spectra, state["spectra"], strict=True):
                spectra.load_state_dict(known)
