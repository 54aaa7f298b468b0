"""The service: knows people, jobs, files and HTTP. Imports no torch when it is imported."""

__version__ = "0.1.0"
