"""The service: knows people, jobs, files and HTTP. Imports no torch when it is imported."""
