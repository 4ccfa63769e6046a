"""A folder whose files are not all read: each is named in the manifest, and the command does not end with success."""

import json

from PIL import Image

from headform import errors
from headform.cli.batch import Work, run_batch
from headform.cli.inputs import list_inputs
from tests.images.photo_files import gradient


def test_every_picture_of_a_folder_has_a_line_in_the_manifest(tmp_path, capsys):
    photos, out = tmp_path / "photos", tmp_path / "out"
    photos.mkdir()
    for name in ("base.png", "scan.tiff", "uncommon.bmp"):
        Image.fromarray(gradient()).save(photos / name)
    (photos / "camera.CR2").write_bytes(b"II*\0\x10\0\0\0CR")
    (photos / "notes.txt").write_text("from the attic")
    code = run_batch(list_inputs([photos]), out, lambda: Work(lambda photo: [], lambda head, folder: None))
    assert code == errors.PARTIAL
    lines = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]
    found = {line["input"].rsplit("/", 1)[1]: line["error"] and line["error"]["code"] for line in lines}
    assert found == {"base.png": None, "camera.CR2": "image_format", "scan.tiff": None, "uncommon.bmp": None}
    assert "camera's raw file" in capsys.readouterr().err
