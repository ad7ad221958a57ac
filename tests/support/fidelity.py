"""Faces in the form that torch-fidelity takes."""

import torch
from torch.utils.data import Dataset


class Pictures(Dataset[torch.Tensor]):
    """Faces uint8 [N,48,48] as a dataset of pictures uint8 [3,48,48]."""

    def __init__(self, images: torch.Tensor) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> torch.Tensor:
        return self.images[index].expand(3, -1, -1)
