"""Records of the images of a NoW evaluation.

P measured scan vertices, S sampled vertices of the prediction.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from jaxtyping import Float32, Float64

from headform.errors import HeadformError
from headform.evaluate.now.layout import Image
from headform.evaluate.scan.sanity_checks import Finding

Status = Literal["ok", "missing", "invalid"]


@dataclass(frozen=True)
class Numbers:
    """Numbers of one image; millimeters.

    Attributes:
        median: Median distance.
        mean: Mean distance.
        std: Standard deviation of the distances.
        vertices: Measured vertices of the scan.
        scale: Millimeters per unit of the prediction, by the landmarks.
        iterations: Iterations of the alignment.
        stop: Rule that ended the iterations.
        border: Share of the vertices closest to the prediction's border.
    """

    median: float
    mean: float
    std: float
    vertices: int
    scale: float
    iterations: int
    stop: str
    border: float


@dataclass(frozen=True, eq=False)
class Shape:
    """Short form of a prediction, to be compared with others of its subject.

    Attributes:
        topology: SHA-256 of the triangles and the number of vertices.
        points: (S, 3) float32 mm, every so many vertices of the prediction, scaled by its landmarks.
        landmarks: (7, 3) float32 mm.
    """

    topology: str
    points: Float32[np.ndarray, "S 3"]
    landmarks: Float32[np.ndarray, "7 3"]


@dataclass(frozen=True, eq=False)
class Record:
    """Outcome of one image.

    Attributes:
        image: Image of the list.
        status: "ok", "missing" (no prediction) or "invalid" (it cannot be used; `code` and `message` say why).
        numbers: None unless ok.
        distances: (P,) float64 mm, None unless ok.
        shape: None unless the mesh could be read.
        findings: Warnings.
        code: Code of the error.
        message: Message of the error.
    """

    image: Image
    status: Status
    numbers: Numbers | None = None
    distances: Float64[np.ndarray, " P"] | None = None
    shape: Shape | None = None
    findings: tuple[Finding, ...] = ()
    code: str = ""
    message: str = ""

    def with_findings(self, more: tuple[Finding, ...]) -> "Record":
        """Add warnings."""
        return replace(self, findings=self.findings + more)

    def facts(self) -> dict[str, Any]:
        """Content for JSON, without the arrays."""
        image = self.image
        facts: dict[str, Any] = {
            "image": image.name,
            "subject": image.subject,
            "challenge": image.challenge,
            "status": self.status,
        }
        if self.numbers is not None:
            facts |= vars(self.numbers)
        if self.code:
            facts["error"] = {"code": self.code, "message": self.message}
        facts["warnings"] = [{"code": f.code, "message": f.message} for f in self.findings]
        return facts


def failed(image: Image, error: HeadformError) -> Record:
    """Create the record of an unusable prediction."""
    return Record(image, "invalid", code=error.code, message=str(error))
