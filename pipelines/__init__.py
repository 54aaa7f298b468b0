"""The crafts of the studio: arrays and tensors in, arrays and files out. No web, no database, no tenant."""
