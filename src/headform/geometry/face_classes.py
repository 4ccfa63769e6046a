"""Classes of a parsed face: one per pixel of a picture."""

FACE_CLASSES = (
    "background",
    "skin",
    "brows",
    "eyes",
    "lips",
    "mouth_inside",
    "hair",
    "glasses",
    "hat",
    "occluder",
    "neck",
    "clothes",
)
"""Names of the class numbers. ``skin`` is face, ears and a bare scalp, with beard and make-up; ``eyes`` the eyeballs;
``mouth_inside`` teeth, tongue and cavity; ``glasses`` frames and lenses that hide what is behind them; ``occluder`` all else
before the face."""

(
    BACKGROUND,
    SKIN,
    BROWS,
    EYES,
    LIPS,
    MOUTH_INSIDE,
    HAIR,
    GLASSES,
    HAT,
    OCCLUDER,
    NECK,
    CLOTHES,
) = range(len(FACE_CLASSES))

UNKNOWN = 255
"""Class number of pixels whose class no label says: they neither teach nor count."""
OUTSIDE = 254
"""Class number of pixels of a crop that lie beyond the photo's edge."""
