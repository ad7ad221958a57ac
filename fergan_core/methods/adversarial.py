"""Conditional GANs: generator against discriminator (Goodfellow et al. 2014, arXiv:1406.2661)."""

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
from fergan_core.methods.networks import build_discriminator, build_generator, class_table, gan_generator, on_device
from fergan_core.methods.optimiser import gradient_norm, rate_at, restore
from fergan_core.methods.penalties import LeCam, gradient_penalty, watched, zero_centred_penalty
from fergan_core.recipe import Gan

_GRADIENT_PENALTY = 10.0  # arXiv:1704.00028, algorithm 1


def unlike_steps(config: Gan) -> int:
    """Return after how many steps the kinds of steps repeat: with `d_steps`, lazy R1 and R2 they are not all alike."""
    return config.d_steps * (config.r1_every if config.r1 or config.r2 else 1)


class AdversarialLearner:
    """Two networks and their optimisers, each updated in a step. It is a Learner, and `generator` a Generator.

    Real and generated faces pass the discriminator in separate batches, each with its own batch statistics: those of a
    mixed batch would give the answer away. Faces are generated for the emotions of the real batch, so both have the
    same label prior, and the discriminator's update and the generator's use the same ones. `steps` is the length of the
    whole training, over which rates and noise fade.
    """

    def __init__(
        self, config: Gan, emotions: Sequence[str], device: torch.device, *, steps: int, bfloat16: bool = False
    ) -> None:
        self._config, self._device, self._autocast = config, device, bfloat16
        self._steps, self._done = steps, 0
        self._classes = class_table(emotions, device)
        self._loss = gan_loss(config.loss, config.label_smoothing)
        self._g = on_device(build_generator(config, len(emotions)), device)
        self._d = on_device(build_discriminator(config, len(emotions)), device)
        betas = (config.beta1, config.beta2)
        self._g_optimiser = torch.optim.Adam(self._g.parameters(), config.g_lr, betas, fused=True)
        self._d_optimiser = torch.optim.Adam(self._d.parameters(), config.d_lr, betas, fused=True)
        self._g_run: Callable[..., Tensor] = self._g
        self._d_run: Callable[..., Tensor] = self._d
        self._augment = augmentation(config.augment, device)
        self._lecam = LeCam(device)
        # R2, and R1 beside it, take D's slopes from its loss's own pass, which saves a tenth of a step and more. Not in
        # bfloat16, whose logits have too few digits; nor R1 alone, which is to train to the bits that it always has.
        self._shares_pass = bool(config.r2) and not bfloat16
        self._average: Ema | None = None
        if config.g_ema:
            copy = on_device(build_generator(config, len(emotions)), device)
            self._average = Ema(self._g, copy, config.g_ema)
        drawing_network = self._average.network if self._average else self._g
        self.generator = gan_generator(config, emotions, drawing_network, device)
        # For `measure`, which looks at the generator itself also where its average draws the faces.
        self._measured_generator = gan_generator(config, emotions, self._g, device)
        self._discriminator_probe, self._fake_history = DiscriminatorProbe(self._d), FakeHistory(device)
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

        With `d_steps` N above 1 the generator learns in every N-th step only, and only there has scalars.
        """
        images = images.contiguous(memory_format=torch.channels_last)
        classes = self._classes[labels]
        self._set_rates()
        self._done += 1
        generator_learns = self._done % self._config.d_steps == 0
        with (
            torch.set_grad_enabled(generator_learns),
            torch.autocast(self._device.type, torch.bfloat16, enabled=self._autocast),
        ):
            fake = self._g_run(self._draw_latents(len(images)), classes)
        if not generator_learns:
            return self._learn_d(images, fake, classes)
        if self._config.first == "discriminator":
            scalars = self._learn_d(images, fake, classes) | self._learn_g(images, fake, classes)
        else:
            scalars = self._learn_g(images, fake, classes) | self._learn_d(images, fake, classes)
        return scalars | {"grad_ratio": scalars["grad_norm_g"] / scalars["grad_norm_d"]}

    def measure(self, train: Batch, held_out: Batch) -> dict[str, Tensor]:
        """Measure what the losses do not show, on some training and held-out faces and their FER2013 codes.

        d_accuracy_held_out, d_accuracy_old  share of held-out real faces, and of earlier fakes, that D gets right
        r_t        mean sign of D's logits of training faces, -1 to 1 (Karras et al. 2020, arXiv:2006.06676, eq. 1)
        r_v        D's mean logit of training minus held-out faces, by that of training faces minus fakes: 0 is no
                   overfitting, 1 complete (the same equation)
        update_ratio_d, update_ratio_g  norm of the last update by that of the weights
        spectral_d/LAYER, spectral_g/LAYER  largest singular values

        For a loss of pairs, the accuracies and r_t are of all pairs of a real face and a fake of its emotion, and r_v
        takes each mean difference to fakes of the same emotion; not a number where there is no such pair.
        """
        train_batch, held_out_batch = ((faces, self._classes[codes]) for faces, codes in (train, held_out))
        latents = self._measured_generator.latents(len(train[0]), self._done)
        fake_batch = self._measured_generator.generate(latents, train[1]), train_batch[1]
        of_train, of_unseen, of_fakes = self._judged(train_batch, held_out_batch, fake_batch)
        train_pairs = self._loss.comparable(of_train, of_fakes)
        unseen_pairs = self._loss.comparable(of_unseen, of_fakes)
        gap, unseen_gap = (real.mean() - fake.mean() for real, fake in (train_pairs, unseen_pairs))
        scalars = {
            "d_accuracy_held_out": _accuracy(self._loss.margins(*unseen_pairs)[0]),
            "r_t": self._loss.margins(*train_pairs)[0].sign().mean(),
            "r_v": (gap - unseen_gap) / gap,
            "update_ratio_d": update_ratio(self._d_optimiser),
            "update_ratio_g": update_ratio(self._g_optimiser),
        }
        if self._fake_history.times:
            (of_old,) = self._judged(self._fake_history.earlier())
            scalars["d_accuracy_old"] = _accuracy(self._loss.margins(*self._loss.comparable(of_train, of_old))[1])
        self._fake_history.add(*fake_batch)
        for spectra in self._spectra:
            scalars |= spectra.measure()
        return scalars

    def _judged(self, *batches: Batch) -> list[tuple[Tensor, Tensor]]:
        """Return D's logits [B] and the classes of each batch of faces and classes."""
        all_logits = self._discriminator_probe.logits(*batches)
        return [(logits, classes) for logits, (_, classes) in zip(all_logits, batches, strict=True)]

    def _set_rates(self) -> None:
        """Set the learning rates of this step: with `lr_decay` they fall linearly to 0 over the training."""
        for optimiser, rate in ((self._g_optimiser, self._config.g_lr), (self._d_optimiser, self._config.d_lr)):
            current_rate = rate_at(rate, self._done, self._steps, decay=self._config.lr_decay)
            optimiser.param_groups[0]["lr"] = current_rate

    def _draw_latents(self, count: int) -> Tensor:
        shape = (count, self._config.latent_size)
        if self._config.latent == "normal":
            return torch.randn(shape, device=self._device)
        return torch.rand(shape, device=self._device) * 2 - 1

    def _wrong_classes(self, classes: Tensor) -> Tensor:
        """Draw a wrong class for each, uniformly."""
        count = len(self.generator.emotions)
        return (classes + torch.randint(1, count, classes.shape, device=classes.device)) % count

    def _discriminator_input(self, faces: Tensor) -> Tensor:
        """Return faces as the discriminator sees them: augmented, with noise that fades (arXiv:1610.04490)."""
        faces = self._augment(faces)
        if self._config.instance_noise:
            remaining = max(0.0, 1 - self._done / self._steps)
            faces = faces + torch.randn_like(faces) * (self._config.instance_noise * remaining)
        return faces

    def _logits(self, images: Tensor, *class_sets: Tensor) -> list[tuple[Tensor, Tensor | None]]:
        """Return for each set of classes D's logits [B] and, of an auxiliary classifier, the emotions' [B,classes]."""
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._autocast):
            outputs = self._d_run(images, *class_sets)
        all_logits: list[Tensor] = list(outputs) if len(class_sets) > 1 else [outputs]
        if self._autocast:
            all_logits = [logits.float() for logits in all_logits]
        return [(logits, None) if logits.ndim == 1 else (logits[:, 0], logits[:, 1:]) for logits in all_logits]

    def _learn_d(self, real: Tensor, fake: Tensor, classes: Tensor) -> dict[str, Tensor]:
        """Minimise D's loss; if matching-aware, half the fakes' term is that of real faces under a wrong emotion."""
        real_input, fake_input = self._discriminator_input(real), self._discriminator_input(fake.detach())
        if self._shares_pass and self._slopes_are_due():
            real_input, fake_input = watched(real_input), watched(fake_input)
        class_sets = (classes, self._wrong_classes(classes)) if self._config.matching_aware else (classes,)
        (real_logits, real_emotions), *under_wrong = self._logits(real_input.view_as(real_input), *class_sets)
        ((fake_logits, fake_emotions),) = self._logits(fake_input.view_as(fake_input), classes)
        fakes, scalars = [fake_logits], {}
        for wrong_logits, _ in under_wrong:
            fakes.append(wrong_logits)
            # Of pairs, the probability that the wrong emotion fits a real face better than its own.
            taken_for_real = wrong_logits - real_logits if self._loss.pairs else wrong_logits
            scalars = {"d_wrong": taken_for_real.detach().sigmoid().mean()}
        loss = self._loss.for_discriminator(real_logits, fakes)
        if real_emotions is not None and fake_emotions is not None:
            loss = loss + (F.cross_entropy(real_emotions, classes) + F.cross_entropy(fake_emotions, classes)) / 2
            scalars["d_emotion_accuracy"] = (real_emotions.detach().argmax(1) == classes).float().mean()
        penalties = self._penalties(real_input, fake_input, real_logits, fake_logits, classes)
        for name, value in penalties.items():
            loss = loss + value
            scalars[f"penalty_{name}"] = value.detach()
        self._d_optimiser.zero_grad(set_to_none=True)
        # Not by the faces, which a shared pass watches.
        loss.backward(inputs=list(self._d.parameters()))  # type: ignore[no-untyped-call]
        norm = gradient_norm(self._d)
        self._d_optimiser.step()
        self._augment.observe(self._loss.margins(real_logits.detach(), fake_logits.detach())[0])
        return {
            "loss_d": loss.detach(),
            "grad_norm_d": norm,
            **self._logit_scalars(real_logits, fake_logits),
            **scalars,
        }

    @torch.no_grad()
    def _logit_scalars(self, real_logits: Tensor, fake_logits: Tensor) -> dict[str, Tensor]:
        """Return D's accuracies, its logits' means and spread, and its probabilities where the loss gives it some.

        Of pairs only the differences of their logits mean something.
        """
        of_real, of_fake = self._loss.margins(real_logits, fake_logits)
        accuracy_real, accuracy_fake = _accuracy(of_real), _accuracy(of_fake)
        scalars = {"d_accuracy": (accuracy_real + accuracy_fake) / 2}
        if self._loss.pairs:
            scalars |= {"logit_gap": of_real.mean(), "logit_spread": of_real.std()}
        else:
            scalars |= {
                "d_accuracy_real": accuracy_real,
                "d_accuracy_fake": accuracy_fake,
                "logit_real": real_logits.mean(),
                "logit_fake": fake_logits.mean(),
                "logit_spread": torch.cat((real_logits, fake_logits)).std(),
            }
        if self._loss.probabilities:
            scalars |= {"d_real": real_logits.sigmoid().mean(), "d_fake": fake_logits.sigmoid().mean()}
        return scalars | self._augment.scalars()

    def _slopes_are_due(self) -> bool:
        """Tell whether R1 and R2 come in this step, where the recipe has them."""
        return (self._done - 1) % self._config.r1_every == 0

    def _penalties(
        self, real: Tensor, fake: Tensor, real_logits: Tensor, fake_logits: Tensor, classes: Tensor
    ) -> dict[str, Tensor]:
        """Return the penalties that the recipe has in this step, each times its weight, by name."""
        config, penalties = self._config, {}

        def discriminate(faces: Tensor) -> Tensor:
            # In float32: bfloat16 has too few digits for a derivative of a derivative.
            with torch.autocast(self._device.type, enabled=False):
                logits: Tensor = self._d(faces.float(), classes)
            return logits if logits.ndim == 1 else logits[:, 0]

        if config.loss == "wgan-gp":
            penalties["gradient"] = _GRADIENT_PENALTY * gradient_penalty(discriminate, real, fake)
        if self._slopes_are_due():
            # Lazily, with the weight of the steps without it (Karras et al. 2020, arXiv:1912.04958, appendix B).
            for name, weight, faces, logits in (
                ("r1", config.r1, real, real_logits),
                ("r2", config.r2, fake, fake_logits),
            ):
                if not weight:
                    continue
                if not self._shares_pass:
                    faces = watched(faces)
                    logits = discriminate(faces.view_as(faces))
                penalties[name] = weight * config.r1_every * zero_centred_penalty(logits, faces)
        if config.lecam:
            penalties["lecam"] = config.lecam * self._lecam(real_logits, fake_logits)
        return penalties

    def _learn_g(self, real: Tensor, fake: Tensor, classes: Tensor) -> dict[str, Tensor]:
        """Minimise G's loss; the gradients of D's weights are not computed."""

        @torch.no_grad()
        def real_logits() -> Tensor:
            return self._logits(self._discriminator_input(real), classes)[0][0]

        self._d.requires_grad_(False)
        ((logits, emotions),) = self._logits(self._discriminator_input(fake), classes)
        loss = self._loss.for_generator(logits, real_logits)
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
        """Return networks, optimisers, and all else that changes over a training."""
        state = {
            "generator": self._g.state_dict(),
            "discriminator": self._d.state_dict(),
            "g_optimiser": self._g_optimiser.state_dict(),
            "d_optimiser": self._d_optimiser.state_dict(),
            "done": self._done,
            "augment": self._augment.state_dict(),
            "lecam": self._lecam.averages,
            "old": self._fake_history.state_dict(),
            "spectra": [spectra.state_dict() for spectra in self._spectra],
        }
        return state if self._average is None else state | {"average": self._average.network.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Load what `state_dict` returned."""
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
        if "done" in state:  # states of older versions lack it and all that follows
            self._done = int(state["done"])
            if state["augment"]:
                self._augment.load_state_dict(state["augment"])
            self._lecam.averages = state["lecam"].to(self._device).clone()
            self._fake_history.load_state_dict(state["old"])
            for spectra, spectra_state in zip(self._spectra, state["spectra"], strict=True):
                spectra.load_state_dict(spectra_state)


def _accuracy(margins: Tensor) -> Tensor:
    """Return the share of margins above 0, 0-dim."""
    return (margins > 0).float().mean()
