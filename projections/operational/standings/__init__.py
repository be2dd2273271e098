"""Standings: whether an ordinary advertisement may go to each person, by which law, until when, and what comes then."""
