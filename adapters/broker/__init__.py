"""The broker: carries the ids of due jobs to workers. dramatiq's types never leave this folder."""
