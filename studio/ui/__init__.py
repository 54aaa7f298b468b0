"""The page: Gradio over the same services as the way in for programs."""
