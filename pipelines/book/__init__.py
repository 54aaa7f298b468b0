"""A book: pages, pictures and narration become files that people can keep."""
