"""Names on the command line to photos."""

from headform.cli.inputs import list_inputs


def test_folder_gives_its_photos_in_order_of_name(tmp_path):
    for name in ("b.JPG", "a.png", ".hidden.jpg", "notes.txt", "c.webp", "d.jpeg"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "deeper.jpg").mkdir()
    found = [item.path.name for item in list_inputs([tmp_path])]
    assert found == ["a.png", "b.JPG", "c.webp", "d.jpeg"]


def test_folder_without_photos_is_an_input_that_fails(tmp_path):
    (item,) = list_inputs([tmp_path])
    assert item.error is not None
    assert (item.error.code, item.error.exit_code) == ("folder_empty", 3)
