"""Witnesses over HTTP (C2SP tlog-witness): how others are asked, and what one of our own keeps."""
