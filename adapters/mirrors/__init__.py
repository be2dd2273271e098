"""Places outside that checkpoints and tiles are posted to: folders, buckets, and memory."""
