"""Board packs that were sealed."""
