"""Pictures: own flat art, the layout composer, and what paints over it."""
