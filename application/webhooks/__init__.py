"""Telling the outside what happened: messages made of events, signed, sent in order, tried again."""
