"""How documents look: light and dark, from 360 px on, and on paper."""

from typing import Final

STYLE: Final = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1rem; }
code, pre { font-family: ui-monospace, monospace; font-size: 0.9em; }
pre { overflow-x: auto; padding: 0.75rem; border: 1px solid #8886; border-radius: 4px; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid #8886; padding: 0.3rem 0.6rem; text-align: left; vertical-align: top; }
dt { font-weight: 600; }
dd { margin: 0 0 0.3rem 1rem; overflow-wrap: anywhere; }
section { border-top: 1px solid #8886; padding-top: 0.5rem; }
"""
