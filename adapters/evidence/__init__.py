"""Evidence bundles: what a log holds, in one file that proves itself offline (docs/evidence.md)."""
