"""The child process of ``foreign_weights``: looks into one foreign checkpoint under limits, or rewrites it.

``python -m pipelines.foreign_weights_reader SOURCE TARGET LIMITS_JSON`` prints one line of JSON: ``tensors`` (name ->
shape) and ``facts``, or ``code`` and ``facts`` of a refusal, or ``os_error``. With an empty ``TARGET`` nothing is
written. Neither torch nor anything else of the house is imported, so that a child starts in a fraction of a second.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from models.foreign_checkpoints import ForeignCheckpoint
from models.foreign_pickle import ForeignCheckpointError
from pipelines.child_process import limit_this_process


def main(source: str, target: str, limits_json: str) -> dict:
    limits = json.loads(limits_json)
    limit_this_process(limits["memory_bytes"], int(limits["timeout_seconds"]) + 1, 4 * limits["max_bytes"])
    try:
        with ForeignCheckpoint(Path(source)) as checkpoint:
            if target:
                checkpoint.write_safetensors(Path(target))
            return {"tensors": checkpoint.contents.shapes, "facts": checkpoint.contents.facts}
    except ForeignCheckpointError as refusal:
        return {"code": refusal.code, "facts": refusal.facts}
    except MemoryError:
        return {"code": "checkpoint_lies", "facts": {"what": "memory"}}
    except OSError as error:
        return {"os_error": error.errno or 5}


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:4])))
