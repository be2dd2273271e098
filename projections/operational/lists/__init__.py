"""Lists: contacts put together by hand or by an import."""
