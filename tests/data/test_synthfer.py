"""synthfer: what it promises of counts, seeds, factors and expressions; people and emotions can be told apart."""

import numpy as np
import pytest

from fergan_core.data.synthfer import (
    ACTION_UNITS,
    NUM_IDENTITIES,
    PUBLIC_COUNTS,
    TRAIN_COUNTS,
    Scene,
    draw_scene,
    sample_scene,
    synthfer,
)
from fergan_core.data.synthfer.canvas import Actions, Light, Pose
from fergan_core.emotions import EMOTIONS, emotion_code
from fergan_core.errors import UsageError

# Windows of a face that looks straight at the camera, in rows and columns of the picture.
BROWS = np.s_[:, 10:18, 8:40]
EYES = np.s_[:, 15:24, 8:40]
NOSE_ROOT = np.s_[:, 17:24, 20:28]
MOUTH = np.s_[:, 31:44, 14:34]
MOUTH_CORNERS = np.s_[:, 32:42, 12:19]
HAIR_AND_BACKGROUND = np.s_[:, :6, :]


@pytest.fixture(scope="module")
def dataset(built_in_faces):
    return built_in_faces


def portraits(identity, pose=None, **action_units) -> np.ndarray:
    """Draw people without noise, in even light, straight on unless posed: uint8 [N,48,48]."""
    people = np.asarray(identity, np.uint8)
    still = np.zeros(len(people), np.float32)
    turned = {name: still + value for name, value in (pose or {}).items()}
    units = dict.fromkeys(Actions.__dataclass_fields__, still) | {
        name: still + strength for name, strength in action_units.items()
    }
    scene = Scene(
        identity=people,
        intensity=still,
        noise=still,
        pose=Pose(**dict.fromkeys(Pose.__dataclass_fields__, still) | {"scale": still + 1} | turned),
        acts=Actions(**units),
        light=Light(
            **dict.fromkeys(Light.__dataclass_fields__, still)
            | {"exposure": still + 1, "contrast": still + 1, "background": still + 0.5, "blob_tone": still + 0.5}
        ),
    )
    return draw_scene(scene, seed=0)


def expressing(emotion: str, identity) -> np.ndarray:
    return portraits(identity, **{f"au{unit}": strength for unit, strength in ACTION_UNITS[emotion].items()})


def test_class_counts_are_those_of_fer2013(dataset):
    assert dataset.images.shape == (28_709 + 3_589, 48, 48)
    assert dataset.images.dtype == np.uint8
    for split, counts in ((0, TRAIN_COUNTS), (1, PUBLIC_COUNTS)):
        class_counts = np.bincount(dataset.labels[dataset.splits == split], minlength=7)
        assert dict(zip(EMOTIONS, class_counts.tolist(), strict=True)) == counts
    assert sum(TRAIN_COUNTS.values()) == 28_709
    assert sum(PUBLIC_COUNTS.values()) == 3_589


def test_every_person_shows_every_emotion(dataset):
    train = dataset.splits == 0
    modes = dataset.factors["identity"][train].astype(int) * 7 + dataset.labels[train]
    mode_counts = np.bincount(modes, minlength=NUM_IDENTITIES * 7)
    assert (mode_counts > 0).all()
    disgust = mode_counts.reshape(NUM_IDENTITIES, 7)[:, emotion_code("disgust")]
    assert disgust.sum() == 436  # about seven faces for each of the rarest modes


def test_labels_are_shuffled(dataset):
    assert len(set(dataset.labels[:30].tolist())) > 3
    runs = np.count_nonzero(np.diff(dataset.labels[dataset.splits == 0].astype(int)))
    assert runs > 20_000


def test_factors_lie_in_their_ranges(few):
    factors = few.factors
    assert all(len(column) == len(few) for column in factors.values())
    assert factors["identity"].dtype == np.uint8
    assert factors["identity"].max() == NUM_IDENTITIES - 1
    neutral = few.labels == emotion_code("neutral")
    assert (factors["intensity"][neutral] == 0).all()
    assert factors["intensity"][~neutral].min() >= 0.45
    assert factors["intensity"].max() <= 1
    assert np.abs(factors["yaw"]).max() <= 0.42
    assert np.abs(factors["roll"]).max() <= 0.24
    assert 0.97 <= factors["scale"].min() <= factors["scale"].max() <= 1.14
    for unit in (12, 26):
        names = [name for name in EMOTIONS if unit in ACTION_UNITS[name]]
        active = np.isin(few.labels, [emotion_code(name) for name in names])
        assert factors[f"au{unit}"][active].min() > factors[f"au{unit}"][~active].max()


def test_images_are_neither_dark_nor_burnt_out(few):
    brightness = few.images.mean(axis=(1, 2))
    assert brightness.min() > 20
    assert brightness.max() < 240
    assert few.images.std(axis=(1, 2)).min() > 8


def test_same_seed_same_bytes_and_another_seed_other_bytes():
    counts = {"train": {"happy": 40, "sad": 40}, "public": {"angry": 8}}
    first, again, other = synthfer(3, counts), synthfer(3, counts), synthfer(4, counts)
    assert first.content_hash == again.content_hash
    np.testing.assert_array_equal(first.images, again.images)
    assert first.content_hash != other.content_hash
    assert np.bincount(first.splits).tolist() == [80, 8]


def test_drawing_depends_neither_on_chunks_nor_on_threads():
    scene = sample_scene(5, np.arange(150, dtype=np.uint8) % 7)
    at_once = draw_scene(scene, 5, threads=1, chunk=150)
    np.testing.assert_array_equal(at_once, draw_scene(scene, 5, threads=3, chunk=17))


def test_an_image_depends_on_its_index_and_label_alone():
    labels = np.arange(90, dtype=np.uint8) % 7
    long = draw_scene(sample_scene(8, labels), 8)
    short = draw_scene(sample_scene(8, labels[:20]), 8)
    np.testing.assert_array_equal(long[:20], short)


@pytest.mark.parametrize(
    ("counts", "named"), [({"valid": {"happy": 1}}, "split 'valid'"), ({"train": {"joy": 1}}, "emotion 'joy'")]
)
def test_unknown_counts_are_refused_by_name(counts, named):
    with pytest.raises(UsageError, match=named):
        synthfer(0, counts)


def test_negative_seed_is_refused():
    with pytest.raises(UsageError, match="seed"):
        synthfer(-1)


def test_empty_counts_give_an_empty_set():
    assert len(synthfer(0, {"train": {}})) == 0


def change(emotion: str, window) -> float:
    """Mean absolute change against the same people's neutral faces, in a window of the picture."""
    people = np.arange(NUM_IDENTITIES)
    faces, calm = expressing(emotion, people).astype(float), expressing("neutral", people).astype(float)
    return float(np.abs(faces[window] - calm[window]).mean())


@pytest.mark.parametrize(
    ("emotion", "window"),
    [
        ("surprise", MOUTH),
        ("surprise", BROWS),
        ("happy", MOUTH),
        ("happy", MOUTH_CORNERS),
        ("sad", MOUTH_CORNERS),
        ("sad", BROWS),
        ("angry", BROWS),
        ("fear", EYES),
        ("fear", MOUTH),
        ("disgust", NOSE_ROOT),
        ("disgust", MOUTH),
    ],
)
def test_expression_moves_its_own_parts_of_the_face_and_not_the_rest(emotion, window):
    assert change(emotion, window) > 6
    assert change(emotion, HAIR_AND_BACKGROUND) < 1


def dark(images: np.ndarray, window, below: int = 30) -> np.ndarray:
    """Count pixels darker than a tone, in a window, of every picture."""
    return (images[window] < below).sum(axis=(1, 2))


def test_dropped_jaw_opens_the_mouth_of_everybody():
    people = np.arange(NUM_IDENTITIES)
    grown = dark(expressing("surprise", people), MOUTH).astype(int) - dark(expressing("neutral", people), MOUTH)
    assert (grown >= 15).mean() > 0.9  # black beards were dark before


def test_mouth_corners_rise_with_au12_and_sink_with_au15():
    bare = [0, 2, 4, 6, 34, 41, 43]  # no beard hides the line of the lips
    rows = np.arange(48, dtype=float)

    def corner_height(images: np.ndarray) -> float:
        columns = 255.0 - images[:, 30:44, 16:19].astype(float)
        darkness = np.clip(columns - columns.mean(axis=1, keepdims=True), 0, None) ** 2
        return float((darkness * rows[30:44, None]).sum() / darkness.sum())

    smile, calm, frown = (corner_height(portraits(bare, **units)) for units in ({"au12": 0.35}, {}, {"au15": 1.0}))
    assert smile < calm < frown  # rows run down


def test_brow_moves_up_with_au2_and_down_with_au4():
    bare = [0, 2, 4, 10, 43, 57]

    def brow_row(**units: float) -> float:
        window = 255.0 - portraits(bare, **units)[:, 8:17, 12:18].astype(float)
        weight = np.clip(window - np.median(window, axis=1, keepdims=True), 0, None)
        return float((weight * np.arange(8, 17)[:, None]).sum() / weight.sum())

    assert brow_row(au1=1.0, au2=1.0) < brow_row() - 1
    assert brow_row(au4=1.0) > brow_row()


def test_intensity_grades_the_expression():
    people = np.arange(NUM_IDENTITIES)
    calm = expressing("neutral", people).astype(float)
    steps = [np.abs(portraits(people, au12=level, au6=level) - calm).mean() for level in (0.25, 0.5, 0.75, 1.0)]
    assert steps == sorted(steps)


def test_yaw_moves_the_nose_to_the_side_it_names():
    left, straight, right = (portraits([2], pose={"yaw": yaw})[0, 27:33, 10:38] for yaw in (-0.35, 0.0, 0.35))
    columns = [int(face.min(axis=0).argmin()) for face in (left, straight, right)]  # nostrils are darkest there
    assert columns[0] + 2 < columns[1] < columns[2] - 2
    assert columns[2] - columns[0] > 8


def test_roll_turns_the_face_clockwise():
    face = portraits([2], pose={"roll": 0.24})[0]
    left_eye, right_eye = (face[8:28, side].min(axis=1).argmin() for side in (np.s_[10:22], np.s_[26:38]))
    assert right_eye - left_eye >= 3  # the picture's right eye sinks


def test_no_two_people_look_the_same():
    faces = portraits(np.arange(NUM_IDENTITIES)).reshape(NUM_IDENTITIES, -1) / 255
    apart = np.sqrt(((faces[:, None] - faces[None]) ** 2).mean(axis=-1))
    apart[np.diag_indices(NUM_IDENTITIES)] = 1
    assert apart.min() > 0.03


def features(images: np.ndarray) -> np.ndarray:
    """Pixels at half size, each image at zero mean and unit spread: float64 [N,576]."""
    small = images.reshape(-1, 24, 2, 24, 2).mean(axis=(2, 4)).reshape(-1, 576)
    return (small - small.mean(axis=1, keepdims=True)) / small.std(axis=1, keepdims=True)


def discriminant_accuracy(train, train_classes, test, test_classes, number: int) -> float:
    """Accuracy of linear discriminant analysis with a little ridge: nearest class mean after whitening."""
    means = np.stack([train[train_classes == one].mean(axis=0) for one in range(number)])
    within = train - means[train_classes]
    covariance = within.T @ within / len(train) + 0.01 * np.eye(train.shape[1])
    weights = np.linalg.solve(covariance, means.T)
    scores = test @ weights - 0.5 * (means * weights.T).sum(axis=1)
    return float((scores.argmax(axis=1) == test_classes).mean())


def test_emotions_and_people_can_be_learned_from_the_pixels(dataset):
    x, labels, identity = features(dataset.images), dataset.labels, dataset.factors["identity"]
    train, public = dataset.splits == 0, dataset.splits == 1
    emotion = discriminant_accuracy(x[train], labels[train], x[public], labels[public], 7)
    person = discriminant_accuracy(x[train], identity[train], x[public], identity[public], NUM_IDENTITIES)
    # Measured: 0.646 and 0.886. Chance: 0.25 (all happy) and 0.016.
    assert emotion > 0.60
    assert person > 0.80
