"""One-click training of GPT-SoVITS voices: LoRA, or all of the weights."""
