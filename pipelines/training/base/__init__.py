"""Training of the bases that ship: a command of its own, in its own process (``python -m pipelines.training.base``)."""
