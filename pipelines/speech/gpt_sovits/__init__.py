"""GPT-SoVITS: voices of the public bases and of the community."""
