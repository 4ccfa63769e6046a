"""Synthetic people: the same whoever renders them, also after a loss; what stays from photo to photo."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from headform.cli.main import main
from headform.data import synthetic_people
from headform.data.sample import Sample
from headform.data.shard_index import INDEX
from headform.data.shards import ShardSet
from headform.data.synthetic_people import SyntheticPeople, photograph_person, write_people
from headform.errors import InputError
from headform.heads import LinearHead
from headform.synth import _subject
from headform.synth.generator import Generator
from tests.synth.kept_generators import keep_generators

PLAN = SyntheticPeople(people=3, photos=2, size=40, seed=5)


@pytest.fixture
def _kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """One generator in place of a new one for each call, where that is not what is tested."""
    keep_generators(monkeypatch, synthetic_people)


def contents(*folders: Path) -> dict[str, Sample]:
    samples = ShardSet.open(*folders)
    return {samples.name(k): samples[k] for k in range(len(samples))}


def assert_same(one: dict[str, Sample], other: dict[str, Sample]) -> None:
    assert one.keys() == other.keys()
    for name, sample in one.items():
        found = other[name]
        np.testing.assert_array_equal(found.image, sample.image)
        np.testing.assert_array_equal(found.points68, sample.points68)
        np.testing.assert_array_equal(found.skin, sample.skin)
        for part, values in sample.coefficients.items():
            np.testing.assert_array_equal(found.coefficients[part], values)


@pytest.fixture(scope="module")
def alone(head: LinearHead, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("people") / "alone"
    done: list[int] = []
    assert write_people(head, folder, PLAN, done=done.append) == 3
    assert done == [0, 1, 2]
    return folder


def test_what_a_photo_comes_with(alone: Path, head: LinearHead) -> None:
    found = contents(alone)
    assert sorted(found) == [f"s5-person{i:07d}-{k}" for i in range(3) for k in range(2)]
    for sample in found.values():
        assert (sample.source, sample.head, sample.side) == ("synthetic", head.sha256, 40)
        assert np.isnan(sample.points68[:17]).all(), "the jaw is unknown"
        assert np.isfinite(sample.points68[17:]).all()
        assert sample.skin is not None
        assert 0.02 < (sample.skin == 255).mean() < 0.9
        rotation = sample.coefficients["rotation"].reshape(3, 3)
        np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-5)


def test_photos_of_a_person_share_the_identity_alone(alone: Path) -> None:
    found = contents(alone)
    for i in range(3):
        one, two = (found[f"s5-person{i:07d}-{k}"] for k in range(2))
        np.testing.assert_array_equal(one.coefficients["identity"], two.coefficients["identity"])
        assert one.coefficients["identity"].shape == (100,)
        assert one.subject == two.subject
        for part in ("expression", "rotation"):
            assert np.abs(one.coefficients[part] - two.coefficients[part]).max() > 1e-3
        assert np.abs(one.image.astype(int) - two.image).mean() > 5
    first, second = (found[f"s5-person{i:07d}-0"].coefficients["identity"] for i in range(2))
    assert np.abs(first - second).max() > 0.1


def test_the_same_whatever_the_number_of_processes(alone: Path, head: LinearHead, tmp_path: Path) -> None:
    for part in (1, 0):
        write_people(head, tmp_path / "two", PLAN, part=part, parts=2)
    assert_same(contents(alone), contents(tmp_path / "two"))
    other = SyntheticPeople(people=1, photos=2, size=40, seed=6)
    write_people(head, tmp_path / "two", other)
    both = contents(tmp_path / "two")
    assert len(both) == 8
    assert np.abs(both["s6-person0000000-0"].image.astype(int) - both["s5-person0000000-0"].image).mean() > 5


@pytest.mark.usefixtures("_kept")
def test_a_lost_shard_is_made_again(alone: Path, head: LinearHead, tmp_path: Path) -> None:
    folder = tmp_path / "again"
    plan = SyntheticPeople(people=2, photos=2, size=40, seed=5)
    write_people(head, folder, plan)
    before = {path.name: path.read_bytes() for path in folder.glob("*.tar")}
    write_people(head, folder, PLAN)  # one person more: a shard more
    lost = next(path for path in folder.glob("*.tar") if path.name not in before)
    lost.unlink()
    with pytest.raises(InputError) as caught:
        write_people(head, folder, PLAN)
    assert caught.value.code == "dataset_damaged"
    (folder / INDEX).unlink()  # what is left is indexed anew
    assert write_people(head, folder, PLAN) == 1
    assert_same(contents(alone), contents(folder))
    assert {name: (folder / name).read_bytes() for name in before} == before
    assert write_people(head, folder, PLAN) == 0


def test_coloring_stays_with_most_people(head: LinearHead, monkeypatch: pytest.MonkeyPatch) -> None:
    """Skin, eyes and brows are drawn from a seed of their own, which most people keep."""
    skins: list[object] = []
    sample_skin = _subject.sample_skin

    def watched(rng: np.random.Generator, config: object) -> object:
        skins.append(sample_skin(rng, config))
        return skins[-1]

    monkeypatch.setattr(_subject, "sample_skin", watched)
    generator = Generator(head, size=32)
    for rate, same in ((1.0, True), (0.0, False)):
        skins.clear()
        monkeypatch.setattr(synthetic_people, "_SAME_COLORING_RATE", rate)
        photograph_person(generator, SyntheticPeople(people=1, photos=2, size=32, seed=1), 0)
        assert (skins[0] == skins[1]) is same


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--people", "0"], "people_invalid"),
        (["--people", "1", "--size", "16"], "size_invalid"),
        (["--people", "1", "--seed", "-1"], "seed_invalid"),
        (["--people", "1", "--workers", "0"], "workers_invalid"),
    ],
)
def test_refusals(tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: str) -> None:
    assert main(["data", "synthetic", "-o", str(tmp_path / "x"), *words]) == 2
    assert capsys.readouterr().err.startswith(f"error [{code}]: ")
    assert not (tmp_path / "x").exists()


@pytest.mark.usefixtures("_kept")
def test_another_distribution_does_not_join_the_people_of_a_seed(
    alone: Path, head: LinearHead, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(path.name for path in alone.iterdir())
    words = ["data", "synthetic", "-o", str(alone), "--people", "4", "--size", "40", "--seed", "5"]
    assert main([*words, "--preset", "easy"]) == 3
    said = capsys.readouterr().err
    assert said.startswith("error [dataset_exists]: the people of seed 5")
    assert "preset full" in said
    with pytest.raises(InputError) as caught:
        write_people(replace(head, sha256="0" * 64), alone, PLAN)
    assert caught.value.code == "dataset_exists"
    assert sorted(path.name for path in alone.iterdir()) == before
    assert write_people(head, alone, PLAN) == 0


def test_true_colors_come_with_every_photo(head: LinearHead, tmp_path: Path, alone: Path) -> None:
    words = ["data", "synthetic", "-o", str(tmp_path), "--people", "1", "--size", "40", "--seed", "5"]
    assert main([*words, "--albedo"]) == 0
    found, plain = contents(tmp_path), contents(alone)
    for name, sample in found.items():
        np.testing.assert_array_equal(sample.image, plain[name].image)
        assert plain[name].albedo is None
        assert sample.albedo is not None
        assert sample.albedo.shape == (len(head.mean), 3)
        skin = sample.albedo[head.regions["cheeks"].numpy()].astype(float)
        assert 20 < skin.mean() < 245
        assert skin[:, 0].mean() > skin[:, 2].mean(), "skin is redder than blue"
    assert main(words) == 3, "with and without do not mix"


@pytest.mark.usefixtures("_kept")
def test_another_size_does_not_join_a_folder(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "synthetic", "-o", str(alone), "--people", "1", "--size", "48"]) == 3
    assert capsys.readouterr().err.startswith("error [dataset_exists]: ")
