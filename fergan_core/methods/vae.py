"""Conditional variational autoencoders (Kingma and Welling 2014, arXiv:1312.6114)."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from fergan_core.methods.compiling import compiled
from fergan_core.methods.ema import Ema
from fergan_core.methods.instruments import Batch, update_ratio
from fergan_core.methods.networks import LatentGenerator, class_table, load_weights, on_device
from fergan_core.methods.optimiser import gradient_norm, rate_at, restore
from fergan_core.models.vae import AutoEncoder
from fergan_core.recipe import Vae

PIXELS = 48 * 48
# Bits a pixel from a density over [-1,1] to a probability of one of 256 greys.
GREY_LEVELS_BITS = math.log2(127.5)
_ACTIVE_NATS = 0.01  # divergence from the prior above which a latent is in use (after Burda et al., arXiv:1509.00519)


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return KL(N(mean, variance) || N(0, 1)) of each latent, in nats, 0 and up (arXiv:1312.6114, appendix B)."""
    return (mean**2 + log_variance.exp() - log_variance - 1) / 2


def reconstruction_nll(faces: Tensor, decoded: Tensor) -> Tensor:
    """Return -log p(faces | decoded), mean nats a pixel, 0-dim: normal pixels of the batch's likeliest variance.

    With that variance (Rybkin et al. 2021, arXiv:2006.13202, eq. 5) no weight between reconstruction and divergence has
    to be chosen.
    """
    return (((faces - decoded) ** 2).mean().log() + math.log(2 * math.pi) + 1) / 2


def build_autoencoder(config: Vae, classes: int) -> AutoEncoder:
    """Make the recipe's networks."""
    return AutoEncoder(classes=classes, latent_size=config.latent_size, width=config.width)


class VaeLearner:
    """An autoencoder, its average and its optimiser. It is a Learner, and `generator` a Generator."""

    networks = ("autoencoder", "average")

    def __init__(
        self, config: Vae, emotions: Sequence[str], device: torch.device, *, steps: int, bfloat16: bool = False
    ) -> None:
        self._config, self._device, self._autocast = config, device, bfloat16
        self._steps, self._done = steps, 0
        self._classes = class_table(emotions, device)
        self._network, copy = (on_device(build_autoencoder(config, len(emotions)), device) for _ in range(2))
        self._average = Ema(self._network, copy, config.ema)
        self._optimiser = torch.optim.Adam(self._network.parameters(), config.lr, fused=True)
        self._run: Callable[..., Any] = self._network
        self.generator = LatentGenerator(emotions, copy.decoder, device, size=config.latent_size, normal=True)

    def compile(self) -> None:
        """Compile the networks for the steps."""
        self._run = compiled(self._network)

    def step(self, images: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Learn one batch; returns (0-dim):

        loss           negative evidence lower bound, nats a pixel, the divergence weighted by beta
        kl             the latents' divergence from the prior, nats a face
        bits_per_dim   the bound with beta 1, bits a pixel of 256 greys: an upper bound of the true one
        grad_norm      L2 norm of all gradients
        """
        images = images.contiguous(memory_format=torch.channels_last)
        noise = torch.randn(len(images), self._config.latent_size, device=self._device)
        nll, kl = self._bound(self._run, images, self._classes[labels], noise)
        loss = nll + self._config.beta * kl.sum() / PIXELS
        self._optimiser.param_groups[0]["lr"] = rate_at(
            self._config.lr, self._done, self._steps, decay=self._config.lr_decay
        )
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = gradient_norm(self._network)
        self._optimiser.step()
        self._done += 1
        self._average.follow(self._done)
        kl = kl.detach().sum()
        bits = (nll.detach() + kl / PIXELS) / math.log(2) + GREY_LEVELS_BITS
        return {"loss": loss.detach(), "kl": kl, "bits_per_dim": bits, "grad_norm": norm}

    @torch.no_grad()
    def measure(self, train: Batch, held_out: Batch) -> dict[str, Tensor]:
        """Measure the averaged networks on some training and held-out faces and their FER2013 codes.

        bits_per_dim/train, /held_out   the bound of training and of held-out faces: a gap is overfitting
        active_latents                  how many latent dimensions are in use: none is posterior collapse
        update_ratio                    norm of the last update by that of the weights
        """
        scalars = {"update_ratio": update_ratio(self._optimiser)}
        network = self._average.network.eval()
        source = torch.Generator().manual_seed(0)
        for part, (faces, codes) in (("train", train), ("held_out", held_out)):
            noise = torch.randn(len(faces), self._config.latent_size, generator=source).to(self._device)
            nll, kl = self._bound(network, faces, self._classes[codes], noise)
            scalars[f"bits_per_dim/{part}"] = (nll + kl.sum() / PIXELS) / math.log(2) + GREY_LEVELS_BITS
            scalars["active_latents"] = (kl > _ACTIVE_NATS).float().sum()
        return scalars

    def _bound(
        self, network: Callable[..., Any], faces: Tensor, classes: Tensor, noise: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the reconstruction's NLL, nats a pixel, and each latent's mean divergence, nats [Z]."""
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._autocast):
            decoded, mean, log_variance = network(faces, classes, noise)
        return reconstruction_nll(faces, decoded.float()), divergence(mean.float(), log_variance.float()).mean(0)

    def state_dict(self) -> dict[str, Any]:
        """Return networks and optimiser, and how many steps are done."""
        return {
            "autoencoder": self._network.state_dict(),
            "average": self._average.network.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "done": self._done,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Load what `state_dict` returned."""
        self._network.load_state_dict(state["autoencoder"])
        self._average.network.load_state_dict(state["average"])
        restore(self._optimiser, state["optimiser"], lr=self._config.lr)
        self._done = int(state["done"])


def load_vae(
    config: Vae, emotions: Sequence[str], weights: Mapping[str, Tensor], device: torch.device
) -> LatentGenerator:
    """Make a generator of a checkpoint's averaged decoder; RuntimeError where the weights are another recipe's."""
    decoder = load_weights(build_autoencoder(config, len(emotions)).decoder, weights, device)
    return LatentGenerator(emotions, decoder, device, size=config.latent_size, normal=True)
