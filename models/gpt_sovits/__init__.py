"""GPT-SoVITS: phonemes to semantic tokens, semantic tokens to a waveform. The names of the official state dicts are kept."""
