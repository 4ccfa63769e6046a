"""Reconstruction with a face encoder as its identity network."""

from pathlib import Path

import numpy as np
import pytest
import torch

from headform.errors import UsageError
from headform.heads import LinearHead
from headform.heads.code_decoder import decoder_of, mean_code
from headform.nets.face_encoder import FaceEncoder, FaceEncoderConfig
from headform.nets.recognition.crops import ARCFACE
from headform.nets.shipped import load_mobilefacenet
from headform.pipeline.reconstructor import Reconstructor
from headform.train.export_weights import export_weights

FACTS = {"stage": "coefficients", "config": {"seed": 0}, "minutes": 0.1, "steps": 1}


def test_a_face_encoder_gives_the_identity_of_a_photo(head: LinearHead, tmp_path: Path, repository: Path) -> None:
    torch.manual_seed(0)
    net = FaceEncoder(
        FaceEncoderConfig(), mean_code(decoder_of(head), torch.from_numpy(ARCFACE.points / 56 - 1).float())
    )
    net.backbone.load_state_dict(load_mobilefacenet()[0].state_dict())
    with torch.no_grad():
        net.mapping.output.weight.mul_(8)  # so that these heads differ from the mean head
    path = tmp_path / "encoder.safetensors"
    export_weights(net, FACTS, path, command="test")
    photo = repository / "examples" / "astronaut.jpg"
    ours = Reconstructor.load(identity=path, texture_size=64, landmarks_net="own").reconstruct(photo)[0]
    theirs = Reconstructor.load(texture_size=64, landmarks_net="own").reconstruct(photo)[0]
    assert ours.status == "ok"
    assert np.isfinite(ours.vertices).all()
    assert np.abs(ours.vertices - theirs.vertices).max() > 1e-4, "the network has a part in the head"


def test_an_encoder_of_flame_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "flame.safetensors"
    export_weights(FaceEncoder(FaceEncoderConfig(layout="flame", hidden=4)), FACTS, path, command="test")
    with pytest.raises(UsageError) as caught:
        Reconstructor.load(identity=path)
    assert caught.value.code == "head_unsupported"
