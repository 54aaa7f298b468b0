"""The small GPT of the goldens."""

from __future__ import annotations

import pytest
from torch import Tensor

from models.gpt_sovits.text2semantic import Text2Semantic, Text2SemanticConfig
from tests.goldens import golden_input, golden_json, golden_network, golden_tensors, official_shapes


@pytest.fixture(scope="module")
def network() -> Text2Semantic:
    config = Text2SemanticConfig.official(
        golden_json("s1_small_config"), official_shapes("s1_small_half.ckpt")
    )
    return golden_network(lambda: Text2Semantic(config))


@pytest.fixture(scope="module")
def golden() -> dict[str, Tensor]:
    return golden_tensors("s1_small_io")


@pytest.fixture(scope="module")
def bert() -> Tensor:
    return golden_input("s1bert", (1, 1024, 20))[0]
