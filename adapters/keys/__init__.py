"""Key stores: one contract, a file on this machine and a dictionary for tests. Signatures of notes, too."""
