"""Reports of the whole platform: the figures of all customers together, for the platform's own finance.

They are answered from roll-ups alone, as of now or of a moment, and say which position of each tenant's log they were
made from. Figures of one customer are never among them, but for the ids of those behind a figure that is opened.
"""
