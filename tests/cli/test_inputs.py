"""Names on the command line to photos."""

from PIL import Image

from headform.cli.inputs import list_inputs, passed_over
from tests.images.photo_files import gradient


def test_folder_gives_its_photos_in_order_of_name(tmp_path):
    for name in ("b.JPG", "a.png", ".hidden.jpg", "notes.txt", "c.webp", "d.jpeg"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "deeper.jpg").mkdir()
    found = [item.path.name for item in list_inputs([tmp_path])]
    assert found == ["a.png", "b.JPG", "c.webp", "d.jpeg"]


def test_folder_names_what_is_not_read_and_nothing_else(tmp_path):
    """Photos by ending or content; raw files, drawings and videos with a reason; sidecars not at all."""
    photo = Image.fromarray(gradient())
    for name in ("a.tiff", "b.BMP", "c.gif", "d.avif", "e.ppm", "f.jp2"):
        photo.save(tmp_path / name)
    photo.save(tmp_path / "no_ending", "JPEG")
    photo.save(tmp_path / "odd.photo", "PNG")
    for name, head in {
        "g.heic": b"\0\0\0\x18ftypheic",
        "h.nef": b"II*\0",
        "i.eps": b"%!PS",
        "j.svg": b"<svg/>",
        "k.mov": b"\0\0\0\x14ftypqt  ",
        "l.bin": b"8BPS\0\1",
        "m.tga": b"\0\0\2\0",
        "a.mov": b"\0\0\0\x14ftypqt  ",  # beside a.tiff: the video of a live photo
        "notes.txt": b"P3 is the third person",
        "faces.json": b"{}",
        "Thumbs.db": b"\xd0\xcf\x11\xe0",
        "IMG.AAE": b"<?xml",
        "old.jpg~": b"\xff\xd8\xff",
        ".DS_Store": b"",
        "._a.jpg": b"\xff\xd8\xff",
        "data": b"\1\2\3\4",
    }.items():
        (tmp_path / name).write_bytes(head)
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "nothing")
    found = {item.path.name: item.error for item in list_inputs([tmp_path])}
    photos = ["a.tiff", "b.BMP", "c.gif", "d.avif", "e.ppm", "f.jp2", "g.heic", "gone.jpg", "no_ending", "odd.photo"]
    assert [name for name, error in found.items() if error is None] == photos
    said = {name: str(error) for name, error in found.items() if error is not None}
    assert list(said) == ["h.nef", "i.eps", "j.svg", "k.mov", "l.bin", "m.tga"]
    kinds = ("a camera's raw file", "PostScript", "an SVG", "a video", "a Photoshop file", "a TGA")
    for text, kind in zip(said.values(), kinds, strict=True):
        assert text.startswith(f"the file is {kind}, not a photo: JPEG, PNG, WebP, TIFF")
    assert all(error.code == "image_format" for error in found.values() if error is not None)


def test_what_was_passed_over_is_counted(tmp_path):
    for name in ("a.cr2", "b.nef", "c.pdf"):
        (tmp_path / name).write_bytes(b"")
    photo = Image.fromarray(gradient())
    for folder in ("holiday", "out"):
        (tmp_path / folder).mkdir()
        photo.save(tmp_path / folder / "x.jpg")
    (tmp_path / "out" / "manifest.jsonl").write_bytes(b"")
    inputs = list_inputs([tmp_path])
    assert passed_over([tmp_path], inputs) == (
        "3 files were not read: a PDF, a camera's raw file (2); 1 folder with photos not searched: holiday"
    )
    assert passed_over([tmp_path / "a.cr2"], list_inputs([tmp_path / "a.cr2"])) == ""


def test_folder_without_photos_is_an_input_that_fails(tmp_path):
    (item,) = list_inputs([tmp_path])
    assert item.error is not None
    assert (item.error.code, item.error.exit_code) == ("folder_empty", 3)
