"""License of a model, told from its mesh: files of one publisher's layout also hold others' models."""

UNKNOWN_LICENSE = "unknown license: the file does not tell whose model it is"
"""License of a model in the layout of a known one, but not of its mesh."""


def license_of(kind: str, license: str, vertices: int, known: bool, notes: list[str]) -> str:
    """Return a publisher's license where the mesh is the publisher's, else `UNKNOWN_LICENSE` with a note.

    Args:
        kind: Kind of the importer, for the note.
        license: The publisher's terms.
        vertices: Number of vertices of the model.
        known: True if the publisher's mesh has as many.
        notes: List to which the note is appended.
    """
    if known:
        return license
    notes.append(
        f"the layout is that of {kind}, the mesh of {vertices} vertices is not: the license is that of its makers"
    )
    return UNKNOWN_LICENSE
