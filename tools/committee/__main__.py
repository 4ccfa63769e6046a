"""See the package's text."""

import argparse
from pathlib import Path

import numpy as np

from headform import heads
from headform.data.portraits import FOLDS, fold_of, person_of
from headform.geometry.mediapipe478 import POINTS, SURFACE
from headform.nets.landmarks.committee_calibration import FILE, Calibration, save_calibration
from headform.train.export_weights import source_commit
from tools.committee.portraits import annotated, read_portraits, with_points68, with_rings
from tools.committee.registration import canonical_face, register
from tools.committee.synthetic import (
    KNOTS,
    expression_precision,
    growth68,
    mesh_errors,
    read_synthetic,
    refine,
    residuals,
)
from tools.convert_networks import ASSETS

COUNT, SEED = 700, 11


def main() -> None:
    """Make the file, or one with a fold of the annotated people left out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True, help="readings are kept here")
    parser.add_argument("--leave-out", type=int, metavar="K", help=f"one of {FOLDS} folds; written to OUT")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    head = heads.load_open()
    model = arguments.data / "models" / "mediapipe_canonical" / "face_model_with_iris.obj"
    placement = register(head, *canonical_face(model))
    drawn = read_synthetic(head, COUNT, SEED, arguments.out / "synthetic.npz")
    placement = refine(head, drawn, placement)
    errors = mesh_errors(residuals(head, drawn, placement), drawn)
    sigma = np.full(POINTS, np.median(errors.sigma))
    sigma[:SURFACE] = errors.sigma
    offset = np.zeros((POINTS, 2))
    offset[:SURFACE] = errors.offset
    start = Calibration(
        surface_vertices=head.faces.numpy()[placement.triangle].astype(np.int64),
        surface_weights=placement.weights,
        mesh_offset=offset,
        mesh_sigma=sigma,
        gap_sigma=np.full(2, 0.003),
        expression_precision=expression_precision(head, drawn),
        presence=KNOTS,
        mesh_growth=errors.growth,
        offset68=np.zeros((4, 68, 2)),
        sigma68=np.ones((4, 68)),
        growth68=growth68(drawn),
    )
    photos = arguments.data / "photos"
    truth = annotated(photos)
    read = read_portraits(photos, start, arguments.out / "portraits.npz")
    if arguments.leave_out is not None:
        kept = fold_of(list(truth))
        out = {name for name, fold in kept.items() if fold == arguments.leave_out}
        people = {person_of(name) for name in out}
        read = read.chosen(np.array([person_of(str(n)) not in people for n in read.name]))
        truth = {name: face for name, face in truth.items() if name not in out}
    calibration = with_points68(with_rings(start, read, truth), read, truth)
    card = {
        "head": head.sha256,
        "command": "python -m tools.committee DATA -o WORK",
        "commit": source_commit(),
        "images_seen": len(read.name),
        "minutes": None,
        "seed": SEED,
        "license": "MIT",
        "data": (
            f"{COUNT} synthetic faces; open portraits: Face Research Lab London Set and Canadian faces (Lisa DeBruine and "
            "Benedict Jones, CC BY 4.0), their hand-placed points among them; portraits of members of the United States "
            "Congress (public domain), read by the networks themselves. MediaPipe's canonical face (Apache-2.0)"
        ),
        "config": {"annotated_faces": len(truth), "portraits": len(read.name)},
        "metrics": {
            "mesh_sigma_median": float(np.median(calibration.mesh_sigma)),
            "gap_sigma": calibration.gap_sigma.tolist(),
            "weights68": dict(
                zip(
                    ("own", "mediapipe", "faceapi", "pfld"),
                    (calibration.sigma68**-2 / (calibration.sigma68**-2).sum(0)).mean(1).round(3).tolist(),
                    strict=True,
                )
            ),
        },
    }
    place = ASSETS / FILE
    if arguments.leave_out is not None:
        place = arguments.out / f"without_fold_{arguments.leave_out}.safetensors"
    save_calibration(place, calibration, card)
    print(card["metrics"])


if __name__ == "__main__":
    main()
