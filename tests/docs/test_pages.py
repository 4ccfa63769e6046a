"""README, conventions and guides: their Python runs, their command lines are ones that headform knows."""

import re
import shlex
import shutil
from pathlib import Path

import pytest
import tyro

from headform.cli import main
from headform.heads import head_file
from headform.importers import registry
from tests.heads import flame_file
from tests.registration.other_heads import face_only

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md")), *sorted((DOCS / "guides").glob("*.md"))]
EXECUTED = [page for page in PAGES if "```python\n" in page.read_text(encoding="utf-8")]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def named(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.fixture(scope="session")
def flame(tmp_path_factory) -> Path:
    """A converted head with the sizes of FLAME, for pages that load one."""
    folder = tmp_path_factory.mktemp("flame")
    published = flame_file.write_npz(folder / "generic_model.npz", flame_file.flame_model())
    head_file.write(registry.convert(published), folder / "flame.safetensors")
    return folder / "flame.safetensors"


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """The folder in which a page runs: with a photo."""
    for name in ("astronaut.jpg", "photo.jpg"):
        shutil.copy(ROOT / "examples" / "astronaut.jpg", tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", EXECUTED, ids=named)
def test_python_runs(page, folder, request):
    text = page.read_text(encoding="utf-8")
    if 'flame.safetensors"' in text:
        shutil.copy(request.getfixturevalue("flame"), folder)
    if 'surrey.safetensors"' in text:
        head_file.write(face_only(), folder / "surrey.safetensors")
    space = {"__name__": "page"}
    for block in FENCE.finditer(text):
        if block[1] == "python":
            line = text[: block.start()].count("\n") + 1  # so that a traceback names the line of the page
            exec(compile("\n" * line + block[2], str(page), "exec"), space)  # noqa: S102


def command_lines(page: Path) -> list[str]:
    blocks = [block[2] for block in FENCE.finditer(page.read_text(encoding="utf-8")) if block[1] == "console"]
    return [line for block in blocks for line in block.splitlines() if line.startswith("headform ")]


@pytest.mark.parametrize("line", sorted({line for page in PAGES for line in command_lines(page)}))
def test_command_line_is_known(line, monkeypatch):
    understood = []

    class Parsed:
        def run(self) -> int:
            understood.append(line)
            return 0

    def parse(*arguments, **options) -> Parsed:
        tyro_cli(*arguments, **options)
        return Parsed()

    tyro_cli = tyro.cli
    monkeypatch.setattr(tyro, "cli", parse)
    words = shlex.split(line, comments=True)[1:]
    assert main.main(words) == 0
    assert understood or words == ["--version"]


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page):
    text = re.sub(r"```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if "://" not in target:
            assert (page.parent / target).exists(), target
