"""The record of processing activities, as it stands."""
