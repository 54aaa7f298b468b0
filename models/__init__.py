"""Networks only: tensors and arithmetic."""
