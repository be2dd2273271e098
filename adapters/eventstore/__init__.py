"""The tenant log on Postgres: codec, group commit, readers, and the recorder of `eventsourcing`."""
