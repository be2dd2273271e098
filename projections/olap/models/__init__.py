"""The SQL models: one file each, read at import, in sections that start with `-- == name`."""
