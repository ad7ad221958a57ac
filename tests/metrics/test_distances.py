"""Distances by a product in float32: bounds that hold, and results equal to sums in float64."""

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from fergan_core.errors import UsageError
from fergan_core.metrics import distances


def some_faces(count: int = 300, width: int = 16, seed: int = 0, shift: float = 0.0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, width, generator=generator, dtype=torch.float64) + shift


def knots(scale: float = 1.0) -> torch.Tensor:
    """Draw 40 far corners with 8 faces each, so close that float32 cannot tell them apart, two of them identical."""
    corners = 100 * some_faces(40, seed=3).repeat_interleave(8, 0)
    offsets = 1e-3 * some_faces(320, seed=4)
    offsets[1::8] = offsets[::8]
    return scale * (corners + offsets)


WILD = torch.cat([some_faces(60), 1e9 * some_faces(2, seed=1), 1e-9 * some_faces(60, seed=2)])
SETS = {
    "plain": some_faces(),
    "wide": some_faces(100, 500),
    "far off": some_faces(shift=1e6),
    "knots": knots(),
    "tiny": knots(1e-25),
    "huge": knots(1e25),
    "wild": WILD,
    "on a grid": torch.cartesian_prod(*[torch.arange(4.0)] * 4).double(),
    "all alike": torch.ones(50, 3, dtype=torch.float64),
}


@pytest.mark.parametrize("name", SETS)
def test_nearest_is_what_sums_of_differences_say(name: str) -> None:
    faces = SETS[name]
    apart = cdist(faces, faces)
    np.fill_diagonal(apart, np.inf)
    lengths, indices = distances.nearest(faces, faces, 5, exclude_self=True)
    np.testing.assert_allclose(lengths, np.sort(apart, 1)[:, :5], rtol=1e-9)
    np.testing.assert_allclose(lengths, np.take_along_axis(apart, indices.numpy(), 1), rtol=1e-9)
    assert all(len(set(row)) == 5 for row in indices.tolist())


@pytest.mark.parametrize("name", SETS)
def test_balls_hold_the_faces_that_sums_of_differences_say(name: str) -> None:
    faces = SETS[name]
    queries, keys = faces[: len(faces) // 2], faces[len(faces) // 2 :]
    apart = torch.from_numpy(cdist(queries, keys, "sqeuclidean"))
    # The seventh nearest is on each ball's surface and belongs to it; a ball smaller by 1e-9 does not contain it.
    for share in (1.0, 1 - 1e-9):
        rows, columns = (share * apart.kthvalue(7, dim=axis).values for axis in (1, 0))
        space = distances.Keys(keys)
        by_query, by_key = torch.zeros(2, *apart.shape, dtype=torch.bool)
        for chunk in space.chunks(queries):
            pairs = space.in_balls_of_queries(chunk, rows[chunk.rows])
            held = pairs.within(rows[chunk.rows][pairs.queries])
            by_query[pairs.queries[held] + chunk.rows.start, pairs.keys[held]] = True
            pairs = space.in_balls_of_keys(chunk, columns)
            held = pairs.within(columns[pairs.keys])
            by_key[pairs.queries[held] + chunk.rows.start, pairs.keys[held]] = True
        # Within the rounding of the sums themselves either answer is right.
        for inside, radii in ((by_query, rows[:, None]), (by_key, columns)):
            clear = (apart - radii).abs() > 1e-12 * radii
            assert torch.equal(inside & clear, (apart <= radii) & clear)
            if share == 1:
                assert bool(inside[apart == radii].all())


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", SETS)
def test_bounds_lie_below_the_distance_and_not_far(name: str, kind: torch.dtype) -> None:
    faces = SETS[name]
    centred = (faces - faces.median(0).values).square().sum(1)
    for chunk in distances.Keys(faces, kind).chunks(faces):
        apart = torch.from_numpy(cdist(faces[chunk.rows], faces, "sqeuclidean"))
        around = centred[chunk.rows, None] + centred
        rounding = distances.rounding(faces.shape[1], chunk.squared.dtype)
        assert bool((chunk.squared <= apart * (1 + 1e-12)).all())
        assert bool((chunk.squared >= apart - 2 * rounding * around - 1e-300).all())


def test_pairs_summed_in_parts_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    space = distances.Keys(SETS["knots"])
    (chunk,) = space.chunks(SETS["knots"])
    pairs = space.in_balls_of_keys(chunk, torch.full((320,), 1.0, dtype=torch.float64))
    in_one_part = pairs.squared(torch.arange(len(pairs.keys)))
    monkeypatch.setattr(distances, "_SUMMED", 100)
    assert len(in_one_part) == 320 * 8
    assert torch.equal(pairs.squared(torch.arange(len(pairs.keys))), in_one_part)
    assert pairs.squared(torch.arange(0)).shape == (0,)


@pytest.mark.parametrize("shift", [0.0, 1e6])
def test_nearest_agrees_with_scipy_also_far_from_the_origin(shift: float) -> None:
    queries, keys = some_faces(200, shift=shift), some_faces(150, seed=1, shift=shift)
    lengths, indices = distances.nearest(queries, keys, 4)
    tree, places = cKDTree(keys.numpy()).query(queries.numpy(), 4)
    np.testing.assert_allclose(lengths, tree, rtol=1e-12)
    np.testing.assert_array_equal(indices, places)


def test_an_identical_face_is_at_distance_0_and_a_face_is_not_its_own_neighbour() -> None:
    faces = some_faces(40, shift=1e3)
    twice = torch.cat([faces, faces[:7]])
    lengths, indices = distances.nearest(twice, twice, 1, exclude_self=True)
    twins = torch.cat([torch.arange(7), torch.arange(40, 47)])
    assert bool((lengths[twins] == 0).all())
    assert indices[twins, 0].tolist() == [*range(40, 47), *range(7)]
    assert bool((lengths[7:40] > 0.1).all())
    assert bool((distances.nearest(faces, faces, 1)[0] == 0).all())


def test_more_neighbours_than_faces_are_refused() -> None:
    faces = some_faces(4)
    assert distances.nearest(faces, faces, 4)[0].shape == (4, 4)
    with pytest.raises(UsageError, match="4 requested among 3"):
        distances.nearest(faces, faces, 4, exclude_self=True)
