"""Every shipped network has its weights, and a card with the same fields beside them."""

import json
from importlib.resources import files

import pytest

from headform.io.model_file import CARD_FIELDS
from headform.nets.shipped import SHIPPED

ASSETS = files("headform") / "nets" / "assets"
CARDS = sorted(path.name for path in ASSETS.iterdir() if path.name.endswith(".json"))


@pytest.mark.parametrize("name", CARDS)
def test_cards_have_the_same_fields(name: str) -> None:
    card = json.loads((ASSETS / name).read_text())
    wanted = {"kind", "name", "source", "sha256", "bytes", "parameters", *CARD_FIELDS}
    assert wanted <= card.keys()
    assert (ASSETS / name.replace(".json", ".safetensors")).is_file()


def test_each_network_is_shipped_with_a_card_of_its_kind() -> None:
    for network in SHIPPED.values():
        card = json.loads((ASSETS / network.file.replace(".safetensors", ".json")).read_text())
        assert card["kind"] == network.kind
