"""Preparation: photos become samples or are dropped with a reason; stopped runs go on, other choices are refused."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from headform.cli.main import main
from headform.data.face_crops import FaceCrop, FaceCropper
from headform.data.layouts import CelebaSelection, FaceMark, list_photos
from headform.data.preparation import FACTS, Preparation, prepare_photos
from headform.data.shard_report import report_on
from headform.data.shards import ShardSet, ShardWriter
from headform.data.subject_meshes import SubjectMeshes
from headform.errors import InputError
from headform.geometry.landmarks68 import MIRROR68
from tests.data.layouts import owner_trees as trees
from tests.data.layouts.owner_trees import touch
from tests.data.shard_samples import SIDE, make_sample
from tests.data.test_subject_meshes import write_parameters
from tests.heads.flame.flame_heads import tiny_flame

PHOTO = Path(__file__).parents[2] / "examples" / "astronaut.jpg"


class Drawn:
    """A maker of crops that needs no face: pictures tell their names, files called `bad` are dropped."""

    def __init__(self, stop_after: int = 1000) -> None:
        self.seen: list[str] = []
        self._left = stop_after

    def crop(self, path: Path, mark: FaceMark | None = None) -> FaceCrop | str:
        if not self._left:
            raise KeyboardInterrupt
        self._left -= 1
        self.seen.append(path.name)
        if path.stem.startswith("bad"):
            return "no_face"
        sample = make_sample(sum(str(path).encode()))
        assert sample.skin is not None
        return FaceCrop(sample.image, sample.points68, sample.skin)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return touch(
        tmp_path / "photos", [*(f"p{k}/{name}.jpg" for k in range(4) for name in ("a", "b", "c")), "p1/bad.jpg"]
    )


def _prepare(source: Path, out: Path, drawn: Drawn, **choices: object) -> dict[str, object]:
    preparation = Preparation("set", SIDE, samples_per_shard=2, **choices)  # type: ignore[arg-type]
    return prepare_photos(list_photos("folder", source), out, preparation, lambda: drawn)


def test_photos_become_samples_or_are_dropped(tmp_path: Path, photos: Path) -> None:
    out, said = tmp_path / "out", list[str]()
    facts = prepare_photos(list_photos("folder", photos), out, Preparation("set", SIDE), Drawn, done=said.append)
    assert (facts["photos"], facts["samples"], facts["subjects"], facts["dropped"]) == (13, 12, 4, {"no_face": 1})
    assert facts["left"] == 0
    assert json.loads((out / FACTS).read_bytes()) == facts
    row = json.loads((out / "dropped.jsonl").read_bytes())
    assert row == {"photo": "p1/bad.jpg", "subject": "p1", "reason": "no_face"}
    assert said[3:5] == ["p1/a.jpg: kept", "p1/b.jpg: kept"]
    samples = ShardSet.open(out)
    assert samples.name(0) == "set-p0-a"
    assert Counter(samples.label(k) for k in range(12)) == {("set", f"p{k}"): 3 for k in range(4)}


def test_a_stopped_run_goes_on_and_gives_the_same(tmp_path: Path, photos: Path) -> None:
    _prepare(photos, tmp_path / "whole", Drawn())
    first, second, third = Drawn(stop_after=7), Drawn(), Drawn()
    with pytest.raises(KeyboardInterrupt):
        _prepare(photos, tmp_path / "out", first)
    facts = _prepare(photos, tmp_path / "out", second)
    _prepare(photos, tmp_path / "out", third)
    assert (len(first.seen), len(second.seen), third.seen) == (7, 6, [])
    assert facts["samples"] == 12
    a, b = ShardSet.open(tmp_path / "whole"), ShardSet.open(tmp_path / "out")
    assert [a.name(k) for k in range(12)] == [b.name(k) for k in range(12)]
    assert all((x.image == y.image).all() for x, y in zip(a, b, strict=True))


def test_parts_divide_the_photos(tmp_path: Path, photos: Path) -> None:
    out = tmp_path / "out"
    one, other = Drawn(), Drawn()
    assert _prepare(photos, out, one, part=(0, 2))["left"] == 6
    facts = _prepare(photos, out, other, part=(1, 2))
    assert (facts["samples"], facts["left"], facts["dropped"]) == (12, 0, {"no_face": 1})
    assert (len(one.seen), len(other.seen)) == (7, 6)
    assert {path.name for path in out.glob("*.tar")} == {
        f"part{p}-0000{k}.tar" for p, n in ((0, 4), (1, 3)) for k in range(n)
    }


def test_other_choices_are_refused(tmp_path: Path, photos: Path) -> None:
    _prepare(photos, tmp_path / "out", Drawn())
    for choices in ({"choices": (("quality", "HQ"),)}, {"part": (0, 2)}):
        with pytest.raises(InputError, match=r"quality|parts") as error:
            _prepare(photos, tmp_path / "out", Drawn(), **choices)
        assert error.value.code == "dataset_exists"


def test_photos_whose_names_collide_are_all_kept(tmp_path: Path) -> None:
    source = touch(tmp_path / "photos", ["a/b.jpg", "a/b.png", "a-b.jpg", "ä.jpg"])
    assert _prepare(source, tmp_path / "out", Drawn())["samples"] == 4


def test_registered_people_get_their_meshes(tmp_path: Path) -> None:
    source = trees.facewarehouse(tmp_path / "fw", testers=[1, 2], poses=2)
    write_parameters(source / "FLAME_parameters/Tester_2", np.full(400, 0.5))
    write_parameters(source / "FLAME_parameters/Tester_9", np.full(400, 0.5))
    head = tiny_flame()
    head.sha256 = "a" * 64
    meshes = SubjectMeshes(source, "facewarehouse", head)
    facts = prepare_photos(
        list_photos("facewarehouse", source), tmp_path / "out", Preparation("facewarehouse", SIDE), Drawn, meshes
    )
    one, two = (ShardSet.open(tmp_path / "out")[k] for k in (0, 2))
    assert (one.head, one.vertices, one.coefficients) == (None, None, {})
    assert two.head == head.sha256
    np.testing.assert_array_equal(two.vertices, head.vertices(torch.full((4,), 0.5)).numpy())
    notes = "\n".join(facts["notes"])
    assert "subjects without a registration: 1 (Tester_1)" in notes
    assert "registrations of nobody in the photos: 1 (Tester_9)" in notes
    assert [warning[:30] for warning in facts["warnings"]] == ["facewarehouse: its owner allow"]


def test_people_of_evaluation_sets_are_warned_of(tmp_path: Path) -> None:
    source = trees.now(tmp_path / "now")
    facts = prepare_photos(list_photos("now", source), tmp_path / "out", Preparation("now", SIDE), Drawn)
    assert [warning[:4] for warning in facts["warnings"]] == ["now:", "now:"]
    assert "evaluated there" in facts["warnings"][0]
    assert "warning: now" in "\n".join(report_on(ShardSet.open(tmp_path / "out")).lines())
    choices = (("kind", "now"),)
    facts = prepare_photos(list_photos("now", source), tmp_path / "b", Preparation("own", SIDE, choices), Drawn)
    assert [warning[:4] for warning in facts["warnings"]] == ["now:", "now:"]  # under another name too


def test_photos_for_research_alone_are_warned_of(tmp_path: Path) -> None:
    photos = list_photos("celeba", trees.celeba(tmp_path / "celeba"), selection=CelebaSelection(partition="all"))
    facts = prepare_photos(photos, tmp_path / "out", Preparation("celeba", SIDE), Drawn)
    assert (facts["samples"], facts["subjects"]) == (6, 4)
    (warning,) = facts["warnings"]
    assert warning.startswith("celeba: its owner allows non-commercial research only")
    assert f"warning: {warning}" in report_on(ShardSet.open(tmp_path / "out")).lines()


def test_the_crop_shows_the_face_with_points_and_bare_skin(tmp_path: Path) -> None:
    cropper = FaceCropper(96)
    crop = cropper.crop(PHOTO)
    assert isinstance(crop, FaceCrop)
    assert crop.image.shape == (96, 96, 3)
    points = crop.points68
    # the loose square is 1.35 times the larger side of the points' box, about its middle
    low, high = points.min(0), points.max(0)
    np.testing.assert_allclose((low + high) / 2, 48, atol=0.1)
    np.testing.assert_allclose((high - low).max(), 96 / 1.35, atol=0.1)
    assert (points[:8, 0] < points[MIRROR68[:8], 0]).all()
    cheek, hair = points[[2, 30]].mean(0), np.array([48, 2])
    values = [crop.skin[int(y), int(x)] for x, y in (cheek, hair)]
    assert values == [255, 0]
    (tmp_path / "bad.jpg").write_bytes(b"no photo")
    assert cropper.crop(tmp_path / "bad.jpg") == "image_format"


def test_the_marked_face_is_cut_out_not_the_largest(tmp_path: Path) -> None:
    large = Image.open(PHOTO)
    half = large.resize((large.width // 2, large.height // 2))
    both = Image.new("RGB", (half.width + large.width, large.height))
    both.paste(half, (0, 128))
    both.paste(large, (half.width, 0))
    both.save(tmp_path / "both.png")
    cropper = FaceCropper(64)
    nose = {"half": (112.0, 190.0), "large": (256 + 224.0, 123.0)}  # as looked up in the picture
    at = {name: cropper.crop(tmp_path / "both.png", FaceMark(middle, 30.0)) for name, middle in nose.items()}
    assert all(isinstance(crop, FaceCrop) for crop in at.values())
    alone = cropper.crop(PHOTO)
    assert np.abs(at["large"].points68 - alone.points68).max() < 0.5  # type: ignore[union-attr]
    assert np.abs(at["half"].points68 - alone.points68).max() < 3  # type: ignore[union-attr]
    # of half the size, the small one's picture is the smoother one
    steps = {name: np.abs(np.diff(crop.image.astype(float), axis=0)).mean() for name, crop in at.items()}  # type: ignore[union-attr]
    assert steps["half"] < steps["large"]
    assert cropper.crop(tmp_path / "both.png", FaceMark((350.0, 450.0), 30.0)) == "another_face"


def test_the_commands_check_and_sheet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with ShardWriter(tmp_path / "a", size=SIDE, samples_per_shard=3) as writer:
        for number in range(6):
            writer.add(make_sample(number, full=number != 3))
    with ShardWriter(tmp_path / "b", size=SIDE) as writer:
        writer.add(make_sample(4))
    report_file = tmp_path / "report.json"
    assert (
        main(["data", "check", str(tmp_path / "a"), "--against", str(tmp_path / "b"), "--json", str(report_file)]) == 0
    )
    said = capsys.readouterr().out
    report = json.loads(report_file.read_bytes())
    assert (report["samples"], report["subjects"], report["with_mesh"], report["per_subject"]) == (6, 3, 5, [2, 2, 2])
    assert report["without_skin"] == ["face-003"]
    assert report["shared_subjects"] == ["drawn person 2"]
    assert report["shared_pictures"] == ["face-004"]
    assert report["uneven_meshes"] == ["drawn person 0", "drawn person 2"]
    assert report["points_missing"] == pytest.approx(1 / 68)
    assert "SHARED subjects: 1 (drawn person 2)" in said
    assert main(["data", "sheet", str(tmp_path / "a"), "-o", str(tmp_path / "sheet.png")]) == 0
    path = tmp_path / "a" / "00001.tar"
    sound = path.read_bytes()
    at = sound.index(b"face-004.jpg") + 512 + 20
    path.write_bytes(sound[:at] + bytes(200) + sound[at + 200 :])
    assert main(["data", "check", str(tmp_path / "a")]) == InputError.exit_code
    said = capsys.readouterr().out
    assert "DAMAGED samples: 1 (face-004)" in said
    assert "00001.tar" in said
    (tmp_path / "a" / "index.json").unlink()
    assert main(["data", "check", str(tmp_path / "a")]) == InputError.exit_code
    assert main(["data", "check", str(tmp_path / "a"), "--index"]) == InputError.exit_code
    assert "6 samples" in capsys.readouterr().out


def test_doubles_are_found(tmp_path: Path) -> None:
    with ShardWriter(tmp_path, size=SIDE) as writer:
        for number, name in enumerate(("x", "y", "z")):
            sample = make_sample(number // 2)
            object.__setattr__(sample, "name", name)
            writer.add(sample)
    assert report_on(ShardSet.open(tmp_path)).doubles == [["x", "y"]]


def test_the_command_prepares_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "people"
    source.mkdir()
    (source / "anna.jpg").write_bytes(PHOTO.read_bytes())
    (source / "note.png").write_bytes(b"no picture")
    arguments = ["data", "prepare", "folder", str(source), "-o", str(tmp_path / "out"), "--size", "64"]
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert "1 samples of 1 people, 1 dropped" in said
    assert "dropped: 1 image_format" in said
    sample = ShardSet.open(tmp_path / "out")[0]
    assert (sample.name, sample.subject, sample.source, sample.side) == ("people-anna", "anna", "people", 64)
    celeba = trees.celeba(tmp_path / "celeba")
    for path in celeba.rglob("00000[56].jpg"):
        path.write_bytes(PHOTO.read_bytes())
    arguments = ["data", "prepare", "celeba", str(celeba), "-o", str(tmp_path / "val"), "--partition", "val"]
    assert main([*arguments, "--size", "64"]) == 0
    said = capsys.readouterr().out
    assert "0 samples of 0 people, 1 dropped" in said  # its face is not where the list has it
    assert "dropped: 1 another_face" in said
    assert "non-commercial research only" in said
    plan = json.loads((tmp_path / "val/plan.json").read_bytes())
    assert (plan["images"], plan["partition"], plan["identities"]) == ("wild", "val", "listed")
    arguments = ["data", "prepare", "folder", str(source), "-o", str(tmp_path / "out"), "--size", "64"]
    for wrong in (["--part", "2/2"], ["--size", "1"], ["--head", "open"], ["--most-per-subject", "-1"]):
        assert main([*arguments, *wrong]) == 2
