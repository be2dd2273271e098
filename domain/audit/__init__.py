"""The audit ledger's core: trees, proofs, signed notes and checkpoints in the formats that others verify too."""
