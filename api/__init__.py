"""The doors: composition root, HTTP and the command line."""
