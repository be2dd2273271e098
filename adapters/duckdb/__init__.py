"""DuckDB behind one owner process: it reads the logs into facts and answers reports over Arrow Flight."""
