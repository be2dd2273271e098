"""Importing contacts: from an uploaded file to events, chunk by chunk, resumable at any moment."""
