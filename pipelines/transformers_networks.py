"""Networks of transformers with weights that somebody put into a folder: nothing is fetched, nothing is made up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from pipelines.failure import CraftError

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel


def transformers_network(
    kind: type[PreTrainedModel],
    config: PretrainedConfig,
    weights: dict[str, Tensor],
    dtype: torch.dtype = torch.float32,
    **options: Any,
) -> PreTrainedModel:
    """``kind`` with ``weights`` in ``dtype``. The names of older versions of transformers are known to it.

    Raises:
        CraftError: ``checkpoint_shapes`` when a weight is missing or has another shape; otherwise it would be made up.
    """
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # it would be drawn into the terminal of whoever runs the studio
    network, report = kind.from_pretrained(
        None,
        config=config,
        state_dict=weights,
        dtype=dtype,
        ignore_mismatched_sizes=True,
        output_loading_info=True,
        **options,
    )
    wrong = sorted({*report["missing_keys"], *(name for name, *_ in report["mismatched_keys"])})
    if wrong:
        raise CraftError("checkpoint_shapes", name=wrong[0])
    return network
