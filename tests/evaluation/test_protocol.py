"""The protocol: the emotions that it requests, in which shares, and what it refuses."""

import numpy as np
import pytest

from fergan_core.errors import DataError, UsageError
from fergan_core.evaluation import Protocol, apportion
from fergan_core.evaluation.protocol import keeping_prior, requested


def test_apportion_gives_whole_parts_of_the_whole() -> None:
    assert apportion([1, 1, 1], 10) == [4, 3, 3]
    assert apportion([0.5, 0.25, 0.25], 8) == [4, 2, 2]
    assert apportion([0, 1], 5) == [0, 5]
    assert sum(apportion([467, 56, 496, 895, 653, 415, 607], 5000)) == 5000
    with pytest.raises(DataError):
        apportion([0, 0], 5)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"count": 19}, "too few"),
        ({"prior": "even"}, "prior"),
        ({"truncation": 0.0}, "truncation"),
        ({"truncation": 1.5}, "truncation"),
    ],
)
def test_protocols_that_cannot_be_meant(fields: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Protocol("synthfer", **fields)  # type: ignore[arg-type]


def test_labels_are_asked_for_in_their_shares_and_shuffled() -> None:
    labels = requested((0, 1, 6), [2.0, 1.0, 1.0], Protocol("synthfer", count=400))
    assert labels.bincount(minlength=7).tolist() == [200, 100, 0, 0, 0, 0, 100]
    assert set(labels[:100].tolist()) == {0, 1, 6}  # no emotion waits for the end
    assert labels.tolist() != requested((0, 1, 6), [2.0, 1.0, 1.0], Protocol("synthfer", count=400, seed=1)).tolist()


def test_real_faces_are_as_many_as_the_shares_allow() -> None:
    labels = np.repeat([0, 1, 2], [100, 10, 50])
    chosen = keeping_prior(labels, (0, 1), (1.0, 1.0), 1000, seed=0)
    assert np.bincount(labels[chosen]).tolist() == [10, 10]
    assert len(set(chosen.tolist())) == 20
    at_most = keeping_prior(labels, (0, 1, 2), (10.0, 1.0, 5.0), 80, seed=0)
    assert np.bincount(labels[at_most]).tolist() == [50, 5, 25]
    assert len(keeping_prior(labels, (0, 3), (1.0, 1.0), 80, seed=0)) == 0
