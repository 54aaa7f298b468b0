"""Layers shared between networks."""
