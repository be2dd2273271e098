"""Prints docs/reports.md: what the figures of each report mean, made from the reports themselves."""

from projections.olap.page import reports_page

if __name__ == "__main__":
    print(reports_page(), end="")
