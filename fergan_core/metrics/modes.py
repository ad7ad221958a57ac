"""How many of synthfer's true modes, a person with an emotion, a generator draws: 0 to 64 x 7 = 448.

Counting modes by a classifier's reading alone (Srivastava et al. 2017, arXiv:1705.07761, section 4.2) counts any face,
noise included, as the mode that it is read as. Here a face must also lie near real faces of that mode.
"""

import torch
from torch import Tensor

from fergan_core.emotions import EMOTIONS
from fergan_core.errors import UsageError
from fergan_core.metrics.checks import checked_features, members
from fergan_core.metrics.distances import nearest

IDENTITIES = 64
MODES = IDENTITIES * len(EMOTIONS)
_REACH = 0.99  # quantile of the distances within a mode


class Modes:
    """The modes of real faces, and which of them other faces show; `known` bool [64,7] says which have a real face.

    A mode reaches as far as the 99th percentile of its real faces' distances to their nearest other face in the same
    mode. A mode of one face reaches as far as the median of its emotion's other modes.
    """

    def __init__(self, features: Tensor, identities: Tensor, emotions: Tensor) -> None:
        """Take real faces' features [N,D], identities int64 [N] of 0..63 and emotions int64 [N] of 0..6.

        Raises UsageError for other codes, and for a mode of one face whose emotion has no mode with more faces.
        """
        (self._features,) = checked_features("modes", features, at_least=1)
        self._modes = _mode(identities, emotions, len(features))
        self.known = _as_set(self._modes)
        self._reaches = self._measured_reaches()

    def _measured_reaches(self) -> Tensor:
        """How far each mode reaches: float64 [448], NaN where there is no real face."""
        reaches = torch.full((MODES,), torch.nan, dtype=torch.float64)
        for mode in self.known.flatten().nonzero().squeeze(1).tolist():
            mode_features = self._features[self._modes == mode]
            if len(mode_features) > 1:
                distances, _ = nearest(mode_features, mode_features, 1, exclude_self=True)
                reaches[mode] = distances.quantile(_REACH)
        table = reaches.view(IDENTITIES, len(EMOTIONS))
        typical = table.nanmedian(0).values.expand_as(table)
        single = self.known & table.isnan()
        if bool(typical[single].isnan().any()):
            emotion = int((single & typical.isnan()).any(0).nonzero()[0])
            raise UsageError(f"modes: no person has two real faces of emotion {emotion}; give more real faces")
        return torch.where(single, typical, table).flatten()

    def shown(self, features: Tensor, emotions_read: Tensor, identities_read: Tensor) -> Tensor:
        """Return the mode that each face shows, 7 x identity + emotion, or -1: int64 [M].

        Features [M,D]; the emotions and identities, int64 [M], are what the judge reads in the same faces. A face
        shows a mode if it is read as that mode and its nearest real face is of that mode and within the mode's reach.
        """
        (features,) = checked_features("modes", features, at_least=1)
        read = _mode(identities_read, emotions_read, len(features))
        distances, indices = nearest(features, self._features, 1)
        near = self._modes[indices[:, 0]]
        return torch.where((read == near) & (distances[:, 0] <= self._reaches[near]), read, -1)

    def count(self, features: Tensor, emotions_read: Tensor, identities_read: Tensor) -> Tensor:
        """Return the set of modes that some face shows (see `shown`): bool [64,7]; more is better, up to `known`."""
        return _as_set(self.shown(features, emotions_read, identities_read))


def count_without(face_modes: Tensor, groups: Tensor) -> Tensor:
    """Number of modes without each group of faces: float64 [G], from `Modes.shown` and groups int64 [M] of 0..G-1."""
    inside = members("modes", groups, len(face_modes))
    faces = torch.stack([_faces_per_mode(face_modes[index]) for index in inside])
    return (faces.sum(0) - faces > 0).sum(1).double()


def _mode(identities: Tensor, emotions: Tensor, count: int) -> Tensor:
    """Check identities and emotions of `count` faces and number their modes, 7 x identity + emotion: int64 [count]."""
    for name, values, most in (("identities", identities, IDENTITIES), ("emotions", emotions, len(EMOTIONS))):
        if values.shape != (count,) or values.dtype != torch.int64:
            raise UsageError(f"modes: {name} are {values.dtype} {list(values.shape)}; give int64 [{count}], one a face")
        if int(values.min()) < 0 or int(values.max()) >= most:
            raise UsageError(f"modes: {name} reach from {int(values.min())} to {int(values.max())}; give 0..{most - 1}")
    return (identities * len(EMOTIONS) + emotions).cpu()


def _faces_per_mode(face_modes: Tensor) -> Tensor:
    """Count the faces of each mode, int64 [448]; -1 is none."""
    return torch.bincount(face_modes[face_modes >= 0], minlength=MODES)


def _as_set(face_modes: Tensor) -> Tensor:
    """Return which modes are among those that faces show: bool [64,7]."""
    return (_faces_per_mode(face_modes) > 0).view(IDENTITIES, len(EMOTIONS))
