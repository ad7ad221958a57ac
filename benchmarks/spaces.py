"""What does each space of features see? `python -m benchmarks.spaces fer2013.csv` alters unseen real faces to find out.

2,000 of them, altered in one way each, are compared with 10,000 training faces: by the judge's features, by pixels'
principal components, by the fixed random network and by five others of its shape, whose spread shows how much depends
on its weights. Each distance is divided by the training faces' variance. Takes two minutes.
"""

import sys
from collections.abc import Callable

import torch
import torch.nn.functional as F
from rich.console import Console
from rich.table import Table
from torch import Tensor

from fergan_core.data import open_dataset, split_parts
from fergan_core.evaluation import judges_for, load_judge
from fergan_core.evaluation.faces import content_order
from fergan_core.metrics import frechet, spaces

_REAL, _FAKE, _OTHERS = 10_000, 2_000, 5


def _blurred(faces: Tensor) -> Tensor:
    return F.avg_pool2d(F.pad(faces.unsqueeze(1), (1, 1, 1, 1), mode="reflect"), 3, 1)[:, 0]


def _noisy(faces: Tensor) -> Tensor:
    return faces + 10 * torch.randn(faces.shape, generator=torch.Generator().manual_seed(0))


ALTERED: dict[str, Callable[[Tensor], Tensor]] = {
    "as they are": lambda faces: faces,
    "mirrored": lambda faces: faces.flip(2),
    "each pixel the mean of 3x3": _blurred,
    "noise of 10 greys added": _noisy,
    "contrast times 0.7": lambda faces: (faces - 128) * 0.7 + 128,
    "moved by 2 pixels": lambda faces: faces.roll(2, 2),
    "200 faces, ten times each": lambda faces: faces[: _FAKE // 10].repeat(10, 1, 1),
    "noise alone": lambda faces: torch.rand(faces.shape, generator=torch.Generator().manual_seed(1)) * 256 - 0.5,
}


def _distances(features_of: Callable[[Tensor], Tensor], real: Tensor, sets: list[Tensor]) -> Tensor:
    """Return each set's Fréchet distance from the real faces, divided by their variance: float64 [sets]."""
    statistics = frechet.statistics(features_of(real))
    fids = [frechet.fid_from_statistics(statistics, frechet.statistics(features_of(faces))) for faces in sets]
    return torch.tensor(fids, dtype=torch.float64) / statistics.covariance.trace()


def _chosen(images: Tensor, count: int) -> Tensor:
    """Return so many of the images, at random, whatever order they come in."""
    return images[content_order(images, None, 0)[:count]]


def main(path: str) -> None:
    """Print a row for each alteration."""
    dataset = open_dataset(path)
    parts = split_parts(dataset)
    real, unseen = (
        _chosen(torch.from_numpy(dataset.images[part]), count)
        for part, count in ((parts.train, _REAL), (parts.report, _FAKE))
    )
    sets = [alter(unseen.float()).round().clamp(0, 255).to(torch.uint8) for alter in ALTERED.values()]
    judge, axes = load_judge(judges_for(dataset.name)[0]), spaces.principal_axes(real)
    by_judge = _distances(lambda faces: judge.read(faces)[1], real, sets)
    by_pixels = _distances(lambda faces: spaces.on_axes(faces, axes), real, sets)
    by_random, *others = (
        _distances(lambda faces, network=network: spaces.random_features(faces, network), real, sets)  # type: ignore[misc]
        for network in range(_OTHERS + 1)
    )
    table = Table(title=f"{_FAKE:,} unseen faces of {dataset.name}: distance, by the training faces' variance")
    for heading in ("unseen faces", judge.name, "pixels", "random network", f"{_OTHERS} other networks"):
        table.add_column(heading, justify="left" if heading == "unseen faces" else "right")
    by_others = torch.stack(others)
    ends = zip(by_others.amin(0).tolist(), by_others.amax(0).tolist(), strict=True)
    for name, *values, (low, high) in zip(
        ALTERED, by_judge.tolist(), by_pixels.tolist(), by_random.tolist(), ends, strict=True
    ):
        table.add_row(name, *(f"{value:.4f}" for value in values), f"{low:.4f} to {high:.4f}")
    Console(width=120).print(table)


if __name__ == "__main__":
    main(sys.argv[1])
