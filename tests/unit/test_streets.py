"""The generated streets: pure, in drives, as unbalanced as real ones, and masks that fit what is drawn."""

import dataclasses
import random
import time

import numpy as np
import pytest

from paribus.labels import CAMVID11, VOID
from paribus.streets import CLASSES, contact_sheet, draw
from paribus.streets.camera import SUPERSAMPLING, Camera
from paribus.streets.canvas import BUILDING, CAR, PEDESTRIAN, POLE, SKY, Canvas, Ground
from paribus.streets.chance import Streams
from paribus.streets.drawing import DRAWN_BY, draw_street
from paribus.streets.layout import Row, Thing, street
from paribus.streets.light import _photographed, daylight

# Shares of the labelled pixels of CamVid's training images.
CAMVID_SHARES = {
    "sky": 0.175,
    "building": 0.242,
    "pole": 0.01,
    "road": 0.330,
    "pavement": 0.047,
    "tree": 0.101,
    "sign": 0.012,
    "fence": 0.012,
    "car": 0.061,
    "pedestrian": 0.0067,
    "bicyclist": 0.003,
}


def make(index, split="train", size=(48, 64), seed=7, **options):
    return draw(index, split=split, size=size, seed=seed, **options)


@pytest.fixture(scope="module")
def many():
    """One image of each of 200 drives."""
    return [make(8 * k + k % 8, size=(72, 96)) for k in range(200)]


def test_same_arguments_give_the_same_bytes_whatever_was_drawn_before():
    first = make(5)
    make(4)
    make(6, split="val")
    again = make(5)
    assert first.image.tobytes() == again.image.tobytes()
    assert first.mask.tobytes() == again.mask.tobytes()
    assert first.group == again.group


@pytest.mark.parametrize("other", [{"index": 6}, {"index": 13}, {"split": "val"}, {"seed": 8}, {"sequence": 3}])
def test_every_argument_matters(other):
    changed = make(**{"index": 5, **other})
    assert not np.array_equal(make(5).image, changed.image)
    assert not np.array_equal(make(5).mask, changed.mask)


def test_another_split_or_seed_is_another_street():
    def agreement(**other):
        return np.mean([np.mean(make(k).mask == make(k, **other).mask) for k in range(0, 96, 8)])

    next_image = np.mean([np.mean(make(k).mask == make(k + 1).mask) for k in range(0, 96, 8)])
    assert agreement(split="val") < next_image - 0.1
    assert agreement(seed=8) < next_image - 0.1


def test_difficulty_changes_the_picture_and_not_the_mask():
    easy, hard = make(5, difficulty=0.0), make(5, difficulty=1.0)
    assert np.array_equal(easy.mask, hard.mask)
    assert not np.array_equal(easy.image, hard.image)


def test_difficulty_hides_what_is_there():
    def noise(difficulty):
        grey = np.full((60, 80, 3), 120, np.float32)
        return np.mean([_photographed(grey, difficulty, Streams(f"test/{k}")).std() for k in range(20)])

    def visibility(difficulty):
        return np.mean([daylight(Streams(f"test/{k}")["light"], difficulty).visibility for k in range(60)])

    assert noise(1.0) > 1.5 * noise(0.0) > 0
    assert visibility(1.0) < 0.8 * visibility(0.0)


def test_no_global_random_state_is_read_or_written():
    random.seed(1)
    np.random.seed(1)
    before, numpy_before = random.getstate(), np.random.get_state()[1].copy()
    first = make(9)
    assert random.getstate() == before
    assert np.array_equal(np.random.get_state()[1], numpy_before)
    random.seed(2)
    np.random.seed(2)
    assert np.array_equal(first.image, make(9).image)


@pytest.mark.parametrize("size", [(32, 32), (48, 64), (97, 131), (90, 121), (128, 96), (180, 240)])
def test_image_and_mask_have_the_size_asked_for(size):
    for index in range(0, 48, 8):
        scene = make(index, size=size)
        assert scene.image.shape == (*size, 3) and scene.image.dtype == np.uint8
        assert scene.mask.shape == size and scene.mask.dtype == np.uint8
        assert scene.image.std() > 15


def test_size_changes_the_resolution_and_not_the_scene():
    same = []
    for index in range(0, 80, 8):
        small, large = make(index, size=(60, 80)), make(index, size=(180, 240))
        same.append(np.mean(small.mask == large.mask[1::3, 1::3]))
    assert np.mean(same) > 0.9


def test_masks_hold_classes_and_void_only_and_all_of_them_occur(many):
    found = np.unique(np.concatenate([np.unique(scene.mask) for scene in many]))
    assert found.tolist() == [*range(len(CLASSES)), VOID]
    assert CAMVID11.classes == CLASSES


def test_classes_are_about_as_rare_as_in_camvid(many):
    counts = sum(np.bincount(scene.mask.ravel(), minlength=256) for scene in many)
    shares = counts[: len(CLASSES)] / counts[: len(CLASSES)].sum()
    ratios = {name: share / CAMVID_SHARES[name] for name, share in zip(CLASSES, shares, strict=True)}
    assert {name: round(float(r), 2) for name, r in ratios.items() if not 1 / 2.5 < r < 2.5} == {}
    assert 0.005 < counts[VOID] / counts.sum() < 0.06


def test_rare_classes_are_not_in_every_image(many):
    for name, low, high in (("bicyclist", 0.2, 0.9), ("fence", 0.5, 1.0), ("road", 1.0, 1.0)):
        share = np.mean([(scene.mask == CLASSES.index(name)).any() for scene in many])
        assert low <= share <= high, name


def test_successive_images_are_one_drive_and_look_alike():
    groups = [make(i, size=(32, 32)).group for i in range(20)]
    assert groups == ["train/0000"] * 8 + ["train/0001"] * 8 + ["train/0002"] * 4
    assert [make(i, size=(32, 32), sequence=3).group for i in (2, 3)] == ["train/0000", "train/0001"]
    assert make(0, split="val", size=(32, 32)).group == "val/0000"

    def agreement(pairs):
        return np.mean([np.mean(make(a).mask == make(b).mask) for a, b in pairs])

    within = agreement([(8 * k, 8 * k + 1) for k in range(12)])
    between = agreement([(8 * k, 8 * k + 8) for k in range(12)])
    assert within > between + 0.1
    assert within < 0.995  # it moves


def test_the_mask_fits_the_picture(many):
    """Sky is brighter and bluer than road, leaves are greenest, and moving the mask makes the colours less pure."""

    def mean(name):
        of_class = [scene.image[scene.mask == CLASSES.index(name)].astype(float) for scene in many]
        return np.concatenate(of_class).mean(axis=0)

    sky, road, tree = mean("sky"), mean("road"), mean("tree")
    assert sky.mean() > road.mean() + 40
    assert sky[2] - sky[0] > road[2] - road[0]
    assert tree[1] - tree[[0, 2]].mean() > 8 + max(c[1] - c[[0, 2]].mean() for c in (sky, road))

    def blueness(rows):
        """Blue less red of the sky in some rows of the images."""
        sky = [scene.image[rows][scene.mask[rows] == SKY].astype(float) for scene in many]
        colours = np.concatenate(sky).mean(axis=0)
        return colours[2] - colours[0]

    assert blueness(slice(0, 10)) > blueness(slice(25, 40)) + 20

    def edge_contrast(shift):
        """How much brighter it is above the upper edge of what is not sky than below."""
        steps = []
        for scene in many:
            above = (scene.mask[:-1] == SKY) & (scene.mask[1:] == BUILDING)
            rows, columns = np.nonzero(above)
            inside = (rows + shift - 1 >= 0) & (rows + shift + 2 < scene.mask.shape[0])
            rows, columns = rows[inside] + shift, columns[inside]
            grey = scene.image.astype(float).mean(axis=2)
            steps.append(np.abs(grey[rows - 1, columns] - grey[rows + 2, columns]))
        return np.concatenate(steps).mean()

    assert edge_contrast(0) > 1.3 * max(edge_contrast(-3), edge_contrast(3))


def bare_canvas(size=(40, 60)):
    camera = Camera(0, 1.5, 0, 100.0, size[1] * SUPERSAMPLING / 2, size[0] * SUPERSAMPLING / 2, 0.0, 1.0, 0.0)
    return Canvas(Ground(size, camera, visibility=1e9))


def test_a_mask_pixel_is_what_is_drawn_in_its_middle():
    canvas = bare_canvas()
    canvas.fill_flat([31, 31, 31, 61, 91, 61, 91, 31], (255, 0, 0), CAR, 1.0, 0.0)
    colours, light, haze, mask = canvas.reduced()
    painted = np.zeros((40, 60), bool)
    painted[10:21, 10:31] = True  # pixel k has its middle at 3 k + 1
    assert np.array_equal(mask == CAR, painted)
    painted[[10, 20]] = painted[:, [10, 30]] = False  # a part of these is covered
    assert (colours[painted][:, 0] == 255).all()
    assert (light[painted] == 1).all() and (haze[painted] == 0).all()


def test_a_pole_is_never_thinner_than_a_pixel():
    for x in np.linspace(20, 150, 27):
        canvas = bare_canvas()
        canvas.bar(canvas.camera.column(0, 50.0)._replace(x=x), ((0, 0), (0, 6)), 0.01, (9, 9, 9), POLE, 1.0, 50.0)
        columns = (canvas.reduced()[3] == POLE).sum(axis=1)
        assert set(columns.tolist()) <= {0, 1, 2} and columns.max() >= 1


def test_what_lies_behind_the_camera_is_cut_off_and_not_turned_over():
    camera = bare_canvas().camera
    assert camera.pixels([(-1, 0, -5), (1, 0, -5), (1, 0, -1)]) == []
    cut = camera.pixels([(-1, 0, -5), (-1, 0, 5), (1, 0, 5), (1, 0, -5)])
    assert len(cut) == 8 and min(cut[1::2]) > camera.horizon  # all of the ground lies below the horizon


def test_a_street_has_everything_in_its_row_and_everything_can_be_drawn():
    kinds = {}
    for drive in range(60):
        place = street(Streams(f"test/{drive}"))
        assert len(place.rows) == len(Row)
        for row, things in zip(Row, place.rows, strict=True):
            for thing in things:
                assert thing.row == row
                kinds.setdefault(thing.kind, row)
    assert set(kinds) == set(DRAWN_BY)
    assert kinds["car"] == Row.ROAD and kinds["house"] == Row.REAR


def test_what_is_nearer_to_the_road_or_to_the_camera_hides_what_is_farther():
    place = street(Streams("test/0"))
    day = daylight(Streams("test")["light"], 0.0)
    camera = Camera(0, 1.5, 0, 200.0, 180, 120, 0.0, 1.0, 0.0)

    def people(car_z, person_z, row):
        rows = [[] for _ in Row]
        rows[row].append(Thing("person", row, 0.0, person_z, 1, 3, high=1.8))
        rows[Row.ROAD].append(Thing("car", Row.ROAD, 0.0, car_z, 1, 3, 4.0, 1.8, 1.5))
        bare = dataclasses.replace(place, rows=tuple(map(tuple, rows)))
        mask = draw_street((80, 120), camera, bare, day, 0).reduced()[3]
        return int((mask == PEDESTRIAN).sum())

    assert people(10, 9, Row.ROAD) > 3 * people(10, 16, Row.ROAD)
    assert people(10, 9, Row.PAVEMENT) < people(10, 9, Row.ROAD) / 3


def test_things_behind_the_camera_are_not_drawn():
    for kind in DRAWN_BY:
        canvas = bare_canvas()
        thing = Thing(kind, Row.ROAD, 2.0, -30.0, 1, 5, 4.0, 1.8, 1.5)
        DRAWN_BY[kind](canvas, thing, daylight(Streams("test")["light"], 0.5))
        assert np.isin(canvas.reduced()[3], [SKY, VOID]).all(), kind


def test_a_contact_sheet_shows_every_image_beside_its_mask():
    made = [make(i) for i in range(3)]
    sheet = np.asarray(contact_sheet(made, columns=2))
    assert sheet.shape == (2 * 50 + 2, 2 * 132 + 2, 3)
    assert np.array_equal(sheet[52:100, 2:66], made[2].image)
    coloured = sheet[52:100, 67:131]
    for index, colour in enumerate(CAMVID11.colours):
        assert (coloured[made[2].mask == index] == colour).all()
    assert (coloured[made[2].mask == VOID] == 0).all()
    with pytest.raises(ValueError, match="at least one scene"):
        contact_sheet([], columns=3)
    with pytest.raises(ValueError, match="one column"):
        contact_sheet(made, columns=0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"index": -1},
        {"size": (16, 64)},
        {"size": (64, 16)},
        {"difficulty": 1.5},
        {"difficulty": float("nan")},
        {"sequence": 0},
    ],
)
def test_arguments_out_of_range_are_refused_by_name(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        make(**{"index": 0, **wrong})


def test_drawing_is_quick():
    start = time.process_time()
    for k in range(10):
        make(8 * k, size=(96, 128))
    assert (time.process_time() - start) / 10 < 0.1  # seconds; about 0.015 on a quiet machine
