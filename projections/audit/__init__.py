"""The audit ledger: each log's Merkle tree, kept up with it by the notary, and read for proofs."""
