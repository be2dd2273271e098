"""The words of letters, one file for each language. A new language is a new file, with the same words."""
