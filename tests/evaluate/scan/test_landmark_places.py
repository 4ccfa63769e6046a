"""Landmarks that lie on their mesh, and those of another unit, frame or file."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from headform.cli.main import main
from headform.errors import InputError
from headform.evaluate.scan.landmark_places import check_on_mesh
from headform.evaluate.scan.mesh_files import Surface
from headform.evaluate.scan.protocol import PROTOCOLS
from headform.evaluate.scan.scan_error import crop_scan, scan_error
from headform.io.mesh import obj
from headform.io.mesh.triangle_mesh import TriangleMesh
from tests.evaluate.scan.faces import head_of, measured, moved

UNITS = {"m": 1000.0, "cm": 10.0, "mm": 1.0}


def refusal(scan, prediction, **options):
    with pytest.raises(InputError) as caught:
        measured(scan, prediction, **options)
    assert caught.value.code in ("landmarks_elsewhere", "crop_empty")
    return caught.value


@pytest.mark.parametrize("of_mesh", UNITS)
@pytest.mark.parametrize("of_landmarks", UNITS)
def test_two_units_are_named(of_mesh, of_landmarks):
    surface, landmarks = head_of(1)
    mesh = moved((surface, landmarks), 1 / UNITS[of_mesh])[0]
    marks = landmarks / UNITS[of_landmarks]
    if of_mesh == of_landmarks:
        assert measured((surface, landmarks), (mesh, marks)).distances.max() < 1e-6
        return
    for metrical in (False, True):
        for protocol in PROTOCOLS:
            options = {"protocol": protocol, "unit": of_mesh, "metrical": metrical}
            said = refusal((surface, landmarks), (mesh, marks), **options).message
            assert f"landmarks seem to be in {of_landmarks}, the mesh in {of_mesh}" in said


@pytest.mark.parametrize("axis", "xyz")
def test_turned_landmarks(axis):
    surface, landmarks = head_of(2)
    low, high = surface.vertices.min(0), surface.vertices.max(0)
    for center in (np.zeros(3), landmarks.mean(0), (low + high) / 2):
        for degrees in (90, 180, 270):
            turned = Rotation.from_euler(axis, degrees, degrees=True).apply(landmarks - center) + center
            with pytest.raises(InputError, match="both seem to be in mm") as caught:
                check_on_mesh(turned, surface, mm_per_unit=1.0)
            assert caught.value.code == "landmarks_elsewhere"
    assert "both seem to be in mm" in refusal((surface, landmarks), (surface, turned)).message
    assert "both seem to be in mm" in refusal((surface, turned), (surface, landmarks)).message, "of the scan"


def test_a_scan_in_meters_with_landmarks_in_millimeters():
    surface, landmarks = head_of(1)
    said = refusal((moved((surface, landmarks), 0.001)[0], landmarks), (surface, landmarks)).message
    assert "landmarks seem to be in mm, the mesh in m" in said


def test_a_little_off_is_a_warning():
    surface, landmarks = head_of(1)
    for off, codes in ((1.0, []), (3.5, ["landmarks_astray"])):
        marks = landmarks.copy()
        marks[4, 2] += off
        found = measured((surface, landmarks), (surface, marks))
        assert [f.code for f in found.findings] == codes
    marks[4, 2] += 6.0
    said = refusal((surface, landmarks), (surface, marks)).message
    assert said.startswith("landmark 4 (nose bottom) lies ")


def test_a_mesh_that_ends_before_the_outer_corners_of_the_eyes():
    surface, landmarks = head_of(1)
    near = np.linalg.norm(surface.vertices - landmarks[4], axis=1) < 66.0
    small = replace(surface, faces=surface.faces[near[surface.faces].all(1)])
    found = measured((surface, landmarks), (small, landmarks))
    assert [f.code for f in found.findings] == ["too_small"]


def test_points_without_triangles():
    surface, landmarks = head_of(1)
    cloud = Surface(surface.vertices, np.zeros((0, 3), np.int64), "cloud")
    assert check_on_mesh(landmarks, cloud, mm_per_unit=1.0) is None
    with pytest.raises(InputError, match="both seem to be in mm"):
        check_on_mesh(landmarks + [0, 0, 25.0], cloud, mm_per_unit=1.0)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("metrical", [False, True])
@pytest.mark.parametrize("protocol", sorted(PROTOCOLS))
def test_meshes_that_are_no_surface(protocol, metrical):
    """Each ended in a search without end, or in numbers."""
    scan, landmarks = head_of(1)
    cropped = crop_scan(scan, landmarks, PROTOCOLS[protocol])
    vertices, one = scan.vertices, scan.faces[:1]
    line = vertices * [0, 1.0, 0]
    spike = np.concatenate([vertices, [[1e200] * 3]])
    for mesh in (
        Surface(vertices, one, "one triangle"),
        Surface(vertices, one.repeat(3000, 0), "copies"),
        Surface(vertices, np.zeros((1, 3), np.int64), "a point"),
        Surface(landmarks[[4]], np.zeros((9000, 3), np.int64), "a point many times"),
        Surface(vertices, np.array([[0, 0, 9]] * 3000), "a line"),
        Surface(line, scan.faces, "lines"),
        Surface(vertices * 0 + landmarks[4], scan.faces, "one place"),
        Surface(vertices * np.nan, scan.faces, "NaN"),
        Surface(spike, np.concatenate([scan.faces, [[0, 1, len(vertices)]]]), "a spike"),
    ):
        with pytest.raises(InputError) as caught:
            scan_error(cropped, mesh, landmarks, protocol=PROTOCOLS[protocol], unit="mm", metrical=metrical)
        assert caught.value.code == "mesh_degenerate", mesh.name


def test_scans_of_one_place():
    _, landmarks = head_of(1)
    for vertices in (landmarks[[4]], landmarks[[4]].repeat(500, 0)):
        with pytest.raises(InputError) as caught:
            crop_scan(Surface(vertices, np.zeros((0, 3), np.int64), "scan"), landmarks, PROTOCOLS["official"])
        assert caught.value.code == "crop_empty"


def test_the_command_names_both_units_and_writes_nothing(tmp_path, capsys):
    surface, landmarks = head_of(1)
    obj.write(tmp_path / "head.obj", TriangleMesh(surface.vertices, surface.faces))
    np.save(tmp_path / "mm.npy", landmarks)
    np.save(tmp_path / "m.npy", landmarks / 1000)
    words = ["evaluate", "scan", "--scan", str(tmp_path / "head.obj"), "--scan-landmarks", str(tmp_path / "mm.npy")]
    words += ["--prediction", str(tmp_path / "head.obj"), "--unit", "mm", "--json", str(tmp_path / "o.json")]
    assert main([*words, "--prediction-landmarks", str(tmp_path / "mm.npy")]) == 0
    assert (tmp_path / "o.json").exists()
    assert main([*words, "--prediction-landmarks", str(tmp_path / "m.npy")]) == 3
    said = capsys.readouterr().err
    assert "landmarks_elsewhere" in said
    assert "landmarks seem to be in m, the mesh in mm" in said
    assert not (tmp_path / "o.json").exists(), "a failed run leaves no old numbers"
