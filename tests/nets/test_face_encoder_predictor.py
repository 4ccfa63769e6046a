"""Identity coefficients from photos with a face encoder: mirror images, persons, photos alone and together."""

import numpy as np
import pytest
import torch

from headform.errors import InputError, UsageError
from headform.geometry.landmarks68 import MIRROR68, five_points
from headform.heads import LinearHead
from headform.heads.head_size import HeadSize
from headform.heads.mirror import mirror_identity_map
from headform.nets import face_encoder_predictor
from headform.nets.face_embedding import FaceEmbedder
from headform.nets.face_encoder import FaceEncoder, FaceEncoderConfig
from headform.nets.face_encoder_predictor import FaceEncoderPredictor
from headform.nets.recognition.crops import ARCFACE, IMAGENET_112
from headform.nets.recognition.mobilefacenet_net import MobileFaceNet
from headform.nets.shipped import load_mobilefacenet

SIDE = 96
TRUST = face_encoder_predictor.SIZE_TRUST


@pytest.fixture(scope="module")
def net() -> FaceEncoder:
    torch.manual_seed(0)
    net = FaceEncoder(FaceEncoderConfig(hidden=16)).eval()
    net.backbone.load_state_dict(load_mobilefacenet()[0].state_dict())
    torch.nn.init.normal_(net.gate.weight, std=0.05)
    return net


@pytest.fixture(scope="module")
def predictor(net: FaceEncoder, head: LinearHead) -> FaceEncoderPredictor:
    return FaceEncoderPredictor(net, head)


def photos(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    coarse = torch.from_numpy(rng.uniform(0, 255, (count, 3, 9, 9)))
    fine = torch.nn.functional.interpolate(coarse, (SIDE, SIDE), mode="bicubic").clamp(0, 255)
    return list(fine.permute(0, 2, 3, 1).numpy().astype(np.uint8))


def guide(head: LinearHead, size: float = 450.0) -> np.ndarray:
    points = head.landmarks(head.mean).numpy()[:, :2] * [1, -1]
    return (points - (points.min(0) + points.max(0)) / 2) * size + SIDE / 2


def test_a_mirrored_photo_gives_the_mirrored_head(predictor: FaceEncoderPredictor, head: LinearHead) -> None:
    (photo,), points = photos(1), guide(head)
    (here,) = predictor.predict([photo], [points])
    flipped = points[MIRROR68] * [-1, 1] + [SIDE, 0]
    (there,) = predictor.predict([np.ascontiguousarray(photo[:, ::-1])], [flipped])
    assert here.shape == (100,)
    turned_back = there @ mirror_identity_map(head)
    # the crop's template is not quite symmetric, and the map not quite an involution
    assert np.linalg.norm(turned_back - here) < 0.15 * np.linalg.norm(here)


def test_photos_alone_and_together(predictor: FaceEncoderPredictor, head: LinearHead) -> None:
    pictures, points = photos(7), guide(head)
    guides = [points + shift for shift in range(7)]
    together = predictor.predict(pictures, guides)  # more crops than go through the network at once
    for k in (0, 6):
        np.testing.assert_allclose(predictor.predict([pictures[k]], [guides[k]])[0], together[k], atol=1e-4)
    assert np.abs(together[0] - together[6]).max() > 1e-3
    assert predictor.predict([], []) == []


def test_half_of_the_predicted_size_is_kept(predictor, head, monkeypatch) -> None:
    pictures, guides = photos(2), [guide(head)] * 2
    size = HeadSize(head)
    kept = size.log_ratio(np.stack(predictor.predict(pictures, guides)))
    monkeypatch.setattr(face_encoder_predictor, "SIZE_TRUST", 1.0)
    whole = size.log_ratio(np.stack(predictor.predict(pictures, guides)))
    assert np.abs(whole).min() > 1e-3
    np.testing.assert_allclose(kept, TRUST * whole, rtol=0.1)


def test_a_person_of_several_photos(predictor: FaceEncoderPredictor, head: LinearHead) -> None:
    pictures, guides = photos(3), [guide(head), guide(head, 400.0), guide(head, 500.0)]
    person = predictor.predict_person(pictures, guides)
    assert person.shape == (100,)
    order = [2, 0, 1]
    again = predictor.predict_person([pictures[k] for k in order], [guides[k] for k in order])
    np.testing.assert_allclose(again, person, atol=1e-5)
    alone = predictor.predict_person(pictures[:1], guides[:1])
    np.testing.assert_allclose(alone, predictor.predict(pictures[:1], guides[:1])[0], atol=1e-5)
    twice = predictor.predict_person(pictures[:1] * 2, guides[:1] * 2)
    np.testing.assert_allclose(twice, alone, atol=1e-5)
    with pytest.raises(InputError) as caught:
        predictor.predict_person([], [])
    assert caught.value.code == "photos_missing"


def test_an_encoder_of_another_head_is_refused(head: LinearHead) -> None:
    flame = FaceEncoder(FaceEncoderConfig(layout="flame", hidden=4))
    with pytest.raises(UsageError, match="300") as caught:
        FaceEncoderPredictor(flame, head)
    assert caught.value.code == "head_unsupported"


def embedder_of(network: torch.nn.Module) -> FaceEmbedder:
    return FaceEmbedder("recognizer", network, IMAGENET_112)


def test_what_is_shared_with_a_recognition_network(
    predictor: FaceEncoderPredictor, net: FaceEncoder, head: LinearHead
) -> None:
    """A network that ends otherwise goes on from the encoder's activations, and embeds as from the photo."""
    recognizer = load_mobilefacenet()[0]
    assert predictor.first_own_part(embedder_of(recognizer)) == "head"  # all weights are the encoder's
    with torch.no_grad():
        recognizer.stage4[0].expand.bias.add_(0.01)
    embedder = embedder_of(recognizer)
    part = predictor.first_own_part(embedder)
    assert part == "stage4"
    pictures = photos(7)  # more crops than go through the network at once
    guides = [guide(head) + shift for shift in range(7)]
    codes, received = predictor.predict_and_share(pictures, guides, part)
    np.testing.assert_allclose(codes, predictor.predict(pictures, guides), atol=1e-5)
    wanted = embedder(np.stack(pictures), np.stack([five_points(each) for each in guides]))
    torch.testing.assert_close(embedder.resume(part, received), wanted, rtol=0, atol=2e-5)
    assert (wanted[0] - wanted[6]).abs().max() > 0.1


def test_other_networks_share_nothing(predictor: FaceEncoderPredictor) -> None:
    same = load_mobilefacenet()[0]
    assert predictor.first_own_part(FaceEmbedder("recognizer", same, ARCFACE)) == "", "other colors"
    assert predictor.first_own_part(embedder_of(MobileFaceNet())) == "", "other weights"
    other = embedder_of(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 112 * 112, 8)))
    assert predictor.first_own_part(other) == "", "another network"
    with pytest.raises(UsageError) as caught:
        other.resume("stage4", torch.zeros(1, 128, 14, 14))
    assert caught.value.code == "embedder_kind"
