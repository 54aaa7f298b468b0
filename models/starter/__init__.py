"""The starter voice: durations, a flow-matched mel spectrogram and a source-filter vocoder."""
