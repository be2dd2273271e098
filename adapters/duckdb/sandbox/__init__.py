"""SQL of analysts: run in a process that holds nothing but the facts it may see, and is thrown away after it."""
