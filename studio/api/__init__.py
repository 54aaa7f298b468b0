"""The way in for programs: HTTP routes over the same services as the page."""
