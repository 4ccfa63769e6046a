"""`report.html`: one result as a page that turns the head in a browser, without any network.

Everything is inside the file: geometry, shapes and texture as a GLB, the overlay, the viewer. Its
content security policy names the one script and the one style sheet by their digests and forbids
every connection.
"""

import base64
import hashlib
import html
from importlib import resources

import numpy as np

from headform.geometry.camera import FRONTAL
from headform.geometry.head_angles import euler_from_rotation
from headform.io.printable import printable, to_utf8
from headform.pipeline.reconstruction import Reconstruction

STRONGEST = 8
"""Number of expression shapes that the table names."""


def encode(result: Reconstruction, glb: bytes, overlay_png: bytes) -> bytes:
    """Encode the page.

    Args:
        result: Reconstruction to report.
        glb: Head as GLB; normals of its shapes are not needed, the viewer computes them.
        overlay_png: Overlay sheet as PNG.

    Returns:
        UTF-8 HTML.
    """
    script = _own_file("report_viewer.js")
    style = _own_file("report.css")
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src '{_digest(script)}'",
            f"style-src '{_digest(style)}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    name = _shown(to_utf8(result.photo_name))
    rows = "\n".join(f"<tr><th>{_shown(key)}</th><td>{_shown(value)}</td></tr>" for key, value in numbers(result))
    page = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{name} - headform</title>
<style>{style}</style>
</head>
<body>
<h1>{name}</h1>
<span class="badge {result.status}">{result.status.replace("_", " ")}</span>
<div class="stage">
<div><canvas id="view" tabindex="0" aria-label="The head in 3D"></canvas>
<p id="note">Loading the head.</p></div>
<div><div class="buttons"><button id="photo" type="button">As in the photo</button>
<button id="rest" type="button">Neutral</button>
<label><input id="clay" type="checkbox"> clay</label></div>
<div id="shapes"></div></div>
</div>
<img src="data:image/png;base64,{_base64(overlay_png)}" alt="Photo, landmarks, overlay, turned views">
<table>
{rows}
</table>
<script id="glb" type="application/octet-stream">{_base64(glb)}</script>
<script>{script}</script>
</body>
</html>
"""
    return page.encode()


def numbers(result: Reconstruction) -> list[tuple[str, str]]:
    """Return the rows of the table, name and value as text."""
    camera = result.camera
    # The frontal camera is diag(1, -1, -1); what is left is the head's own turn.
    angles = np.rad2deg(euler_from_rotation(FRONTAL @ camera.R))
    yaw, pitch, roll = (float(angle) for angle in angles)
    order = np.argsort(-np.abs(result.expression))[:STRONGEST]
    shapes = [
        f"{result.head.expression_names[k]} {result.expression[k]:.2f}"
        for k in order
        if abs(result.expression[k]) >= 0.05
    ]
    shapes += [f"{name} {np.rad2deg(np.linalg.norm(turn)):.1f}°" for name, turn in result.pose.items()]
    width, height = result.image_size
    rows = [
        ("photo", f"{width} x {height} px"),
        ("confidence", f"{result.confidence:.2f}"),
        ("remarks", "; ".join(result.reasons) or "none"),
        ("head turned", f"yaw {yaw:.1f}°, pitch {pitch:.1f}°, roll {roll:.1f}°"),
        *(
            [("gaze", f"yaw {turned[0]:.1f}°, pitch {turned[1]:.1f}°")]
            if len(turned := np.rad2deg(result.gaze))
            else []
        ),
        ("camera", f"focal length {camera.K[0, 0]:.0f} px, {float(camera.t[2]):.2f} m away"),
        ("expression", ", ".join(shapes) or "neutral"),
        ("identity", f"{len(result.identity)} modes, rms {_rms(result.identity):.2f} sigma"),
        *(
            [("uncertainty of dense points", f"median {np.median(sigma):.2f} px")]
            if len(sigma := result.dense_sigma)
            else []
        ),
        ("seam of the texture", f"{result.seam_gradient:.2f} (1 is none)"),
        ("head model", f"{result.head.name}, {result.head.license}"),
        ("head model SHA-256", result.head.sha256),
    ]
    if result.notes:
        rows.append(("notes", "; ".join(result.notes)))
    if result.timings:
        parts = ", ".join(f"{key} {1000 * value:.0f}" for key, value in result.timings.items())
        rows.append(("milliseconds", parts))
    return rows


def _shown(text: str) -> str:
    return html.escape(printable(text))


def _rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values)))) if values.size else 0.0


def _own_file(name: str) -> str:
    text = resources.files("headform.export").joinpath(name).read_text("utf-8")
    if "</script" in text or "</style" in text:
        raise ValueError(f"{name} contains a closing tag that would end its own element")
    return text


def _digest(text: str) -> str:
    return "sha256-" + _base64(hashlib.sha256(text.encode()).digest())


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
