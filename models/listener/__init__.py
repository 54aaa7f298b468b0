"""The listener: which phoneme is heard, frame by frame."""
