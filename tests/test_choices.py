"""Every public entry with an option of a few named values refuses any other, and says which there are."""

import subprocess
import sys
import textwrap

import pytest

# In a child process, where no import hook checks the annotations first.
_TRY = textwrap.dedent("""
    from dataclasses import replace
    from pathlib import Path
    import numpy as np, torch
    from PIL import Image
    import headform
    from headform import heads, images
    from headform.errors import UsageError

    ball = np.array([[0, 2, 4], [2, 1, 4], [1, 3, 4], [3, 0, 4], [2, 0, 5], [1, 2, 5], [3, 1, 5], [0, 3, 5]])
    corners = np.array([[1.0, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]])
    X = "biggest"

    def reconstructor():
        from headform.pipeline.reconstructor import Reconstructor
        return object.__new__(Reconstructor)

    def finder():
        from headform.pipeline.face_finder import FaceFinder
        return FaceFinder(None, None)

    from headform.data import registered, sampled_heads
    from headform.evaluate.now import check, image
    from headform.evaluate.rendered_scans import scan_subjects
    from headform.evaluate.scan.scan_error import scan_error
    from headform.export import result_folder, writers
    from headform.geometry import units
    from headform.graph.cheb_conv import ChebConv
    from headform.heads import texture_space
    from headform.importers import flame_texture
    from headform.mesh import hierarchy, scaled_laplacian
    from headform.nets import mesh_autoencoder_net
    from headform.nets.recognition import crops, iresnet_net
    from headform.registration import fit_source, head_fit
    from headform.render import renderer
    from headform.synth import generator
    from headform.train import config, mesh_autoencoder, parsing

    photo = np.zeros((32, 32, 3), np.uint8)
    calls = {
        "people of reconstruct": lambda: reconstructor().reconstruct(photo, people=X),
        "people of reconstruct_many": lambda: reconstructor().reconstruct_many([photo], people=X),
        "on_error": lambda: reconstructor().reconstruct_many([photo], on_error=X),
        "preset of parsing": lambda: parsing.ParsingConfig(preset=X),
        "people of find": lambda: finder().find([], X),
        "landmarks_net": lambda: type(reconstructor()).load(landmarks_net=X),
        "texture": lambda: writers.chosen_texture(None, X),
        "formats": lambda: writers.encode_all(None, ["fbx"]),
        "formats in one string": lambda: writers.encode_all(None, "glb"),
        "atlas": lambda: result_folder.read_head(Path("nowhere"), X),
        "units_per_meter": lambda: units.units_per_meter(X),
        "mm_per": lambda: units.mm_per(X),
        "rule": lambda: hierarchy.build_hierarchy(corners, ball, rule=X),
        "edge_weight of a hierarchy": lambda: hierarchy.build_hierarchy(corners, ball, edge_weight=X),
        "edge_weight": lambda: scaled_laplacian.scaled_laplacian(ball, 6, edge_weight=X),
        "backend of a layer": lambda: ChebConv(3, 3, 2, backend=X),
        "latent_activation": lambda: mesh_autoencoder_net.MeshAutoencoderConfig(latent_activation=X),
        "init": lambda: mesh_autoencoder_net.MeshAutoencoderConfig(init=X),
        "region": lambda: head_fit.HeadFitOptions(region=X),
        "scale": lambda: head_fit.HeadFitOptions(scale=X),
        "channels": lambda: crops.CropSpec(112, np.zeros((5, 2)), channels=X),
        "encoding": lambda: texture_space.TextureSpace(None, None, None, None, X, None),
        "backend of the renderer": lambda: renderer.rasterize_batch(torch.zeros(1, 3, 3), None, 8, 8, backend=X),
        "part of a texture": lambda: flame_texture.read(Path("nowhere"), part=X),
        "optimizer": lambda: config.OptimizerConfig(kind=X),
        "schedule": lambda: config.ScheduleConfig(kind=X),
        "precision": lambda: config.TrainerConfig(steps=1, precision=X),
        "preset": lambda: mesh_autoencoder.from_preset(X, 10),
        "loss": lambda: replace(mesh_autoencoder.from_preset("fast", 10), loss=X),
        "hierarchy of a preset": lambda: mesh_autoencoder.from_preset("fast", 10, hierarchy=X),
        "unit of registered meshes": lambda: registered.read_registered(Path("nowhere"), unit=X),
        "unit of a source": lambda: fit_source.scan_source("a", None, np.eye(68, 3), unit=X),
        "unit of a submission": lambda: check.check_submission(Path("nowhere"), Path("nowhere"), unit=X),
        "unit of an image": lambda: image.Options(unit=X),
        "protocol": lambda: image.Options(protocol=X),
        "unit of a scan's error": lambda: scan_error(None, None, None, protocol=None, unit=X),
        "split": lambda: sampled_heads.SampledHeads(None, 1, 0, split=X),
        "posed": lambda: sampled_heads.SampledHeads(None, 1, 0, posed=(X,)),
        "view": lambda: generator.Generator(None, view=X),
    }
    for name, call in calls.items():
        try:
            call()
            print(name, "was taken")
        except UsageError as error:
            named = X in str(error) or "format" in str(error)
            if not error.code.endswith(("_unknown", "unknown_format", "config_invalid", "_options")) or not named:
                print(name, error.code, error)
        except Exception as error:
            print(name, type(error).__name__, error)
""")


def test_every_public_entry_refuses_an_unknown_value():
    done = subprocess.run([sys.executable, "-c", _TRY], capture_output=True, text=True, timeout=300, check=False)
    assert (done.stdout, done.returncode) == ("", 0), done.stderr[-2000:]


@pytest.mark.parametrize(
    "words",
    [
        ["reconstruct", "a.jpg", "-o", "out", "--people", "biggest"],
        ["reconstruct", "a.jpg", "-o", "out", "--formats", "fbx"],
        ["reconstruct", "a.jpg", "-o", "out", "--texture", "best"],
        ["heads", "fit", "a.obj", "--to", "open", "-o", "out", "--region", "nose"],
        ["heads", "fit", "a.obj", "--to", "open", "-o", "out", "--unit", "inch"],
        ["export", "now", "a", "-o", "out", "--unit", "inch"],
        ["evaluate", "now", "--dataset", "a", "--predictions", "b", "--protocol", "best"],
        ["train", "mesh-autoencoder", "--preset", "slow"],
    ],
)
def test_every_command_refuses_an_unknown_value(words, capsys):
    from headform.cli.main import main

    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    assert words[-1] in capsys.readouterr().err
