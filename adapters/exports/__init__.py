"""Reports as files: what people work with opens them as its own."""
