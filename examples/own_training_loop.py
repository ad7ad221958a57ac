"""The field's usual DCGAN loop in plain PyTorch, recorded by FerGAN's five calls: look for `fergan.`.

    python examples/own_training_loop.py                   # then look: python -m trainers.open_dashboard
    python examples/own_training_loop.py --data fer2013.csv --steps 2000

All else is as in PyTorch's own DCGAN tutorial (Radford et al. 2016, arXiv:1511.06434), for 48x48 grey faces.
"""

import argparse

import torch
from torch import nn

import fergan_core as fergan
from fergan_core.emotions import EMOTIONS


def generator(latents: int, width: int) -> nn.Sequential:
    """Latents [N, latents, 1, 1] to faces [N, 1, 48, 48] in [-1, 1]."""
    return nn.Sequential(
        nn.ConvTranspose2d(latents, 4 * width, 6, bias=False), nn.BatchNorm2d(4 * width), nn.ReLU(),
        nn.ConvTranspose2d(4 * width, 2 * width, 4, 2, 1, bias=False), nn.BatchNorm2d(2 * width), nn.ReLU(),
        nn.ConvTranspose2d(2 * width, width, 4, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
        nn.ConvTranspose2d(width, 1, 4, 2, 1), nn.Tanh(),
    )  # fmt: skip


def discriminator(width: int) -> nn.Sequential:
    """Faces [N, 1, 48, 48] to a logit each, [N, 1, 1, 1]: above 0 is real."""
    return nn.Sequential(
        nn.Conv2d(1, width, 4, 2, 1), nn.LeakyReLU(0.2),
        nn.Conv2d(width, 2 * width, 4, 2, 1, bias=False), nn.BatchNorm2d(2 * width), nn.LeakyReLU(0.2),
        nn.Conv2d(2 * width, 4 * width, 4, 2, 1, bias=False), nn.BatchNorm2d(4 * width), nn.LeakyReLU(0.2),
        nn.Conv2d(4 * width, 1, 6),
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description="A DCGAN of one emotion in plain PyTorch, recorded by FerGAN.")
    parser.add_argument("--data", default="synthfer", help="FER2013 in any published layout, or the built-in faces")
    parser.add_argument("--emotion", default="happy", choices=EMOTIONS, help="emotion of the faces to learn")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--batch_size", type=int, default=64)
    parser.add_argument("--sheet_every", type=int, default=25, help="steps from one sheet and checkpoint to the next")
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--latents", type=int, default=100)
    parser.add_argument("--lr", type=float, default=2e-4)
    parser.add_argument("--seed", type=int, default=0)
    flags = parser.parse_args()
    torch.manual_seed(flags.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    dataset = fergan.open_dataset(flags.data)
    chosen = dataset.images[dataset.labels == EMOTIONS.index(flags.emotion)]
    faces = torch.from_numpy(chosen).unsqueeze(1).to(device)
    g, d = generator(flags.latents, flags.width).to(device), discriminator(flags.width).to(device)
    g_optimizer = torch.optim.Adam(g.parameters(), lr=flags.lr, betas=(0.5, 0.999))
    d_optimizer = torch.optim.Adam(d.parameters(), lr=flags.lr, betas=(0.5, 0.999))
    loss = nn.BCEWithLogitsLoss()
    fixed_noise = torch.randn(32, flags.latents, 1, 1, device=device)
    labels = [flags.emotion] * len(fixed_noise)
    real, fake = torch.ones(flags.batch_size, device=device), torch.zeros(flags.batch_size, device=device)

    fergan.start("own dcgan", {**vars(flags), "steps_per_epoch": max(1, len(faces) // flags.batch_size)}, data=dataset)
    for step in range(1, flags.steps + 1):
        batch = faces[torch.randint(len(faces), (flags.batch_size,), device=device)].float() / 127.5 - 1
        made = g(torch.randn(flags.batch_size, flags.latents, 1, 1, device=device))

        d_optimizer.zero_grad()
        loss_d = loss(d(batch).flatten(), real) + loss(d(made.detach()).flatten(), fake)
        loss_d.backward()
        d_optimizer.step()

        g_optimizer.zero_grad()
        loss_g = loss(d(made).flatten(), real)
        loss_g.backward()
        g_optimizer.step()

        fergan.log({"loss_d": loss_d, "loss_g": loss_g}, step=step)
        if step % flags.sheet_every == 0 or step == flags.steps:
            with torch.no_grad():
                fergan.sheet(g(fixed_noise), labels)
            fergan.checkpoint({"generator": g, "discriminator": d, "optimizer_g": g_optimizer})
    fergan.finish()


if __name__ == "__main__":
    main()
