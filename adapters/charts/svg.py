"""Charts as SVG: no script, no style, no font and no address in it, equal charts as equal text."""

from __future__ import annotations

import json
import re
from typing import Final
from xml.sax.saxutils import quoteattr

from adapters.charts.spec import DARK, HATCHED, spec_of
from application.charts import Chart

FONT: Final = "Helvetica, Arial, sans-serif"
_VERSION: Final = "6.4"
_IDS: Final = re.compile(r'\bid="([^"]+)"')
_ROOT: Final = re.compile(r"<svg\b[^>]*>")


def svg_of(chart: Chart, *, prefix: str, font: str = FONT) -> str:
    """The chart as an SVG element; `prefix` begins its ids, so that several may stand on one page."""
    import vl_convert  # noqa: PLC0415 - loaded by the first chart, not by every process

    drawn: str = vl_convert.vegalite_to_svg(json.dumps(spec_of(chart, font)), vl_version=_VERSION)
    for number, name in enumerate(dict.fromkeys(_IDS.findall(drawn))):
        own = f"{prefix}-{number}"
        drawn = drawn.replace(f'id="{name}"', f'id="{own}"').replace(f"url(#{name})", f"url(#{own})")
    hatch = f"{prefix}-hatch"
    if HATCHED in drawn:
        drawn = drawn.replace(HATCHED, f"url(#{hatch})")
        drawn = _ROOT.sub(lambda root: root[0] + _pattern(hatch), drawn, count=1)
    named = f' role="img" aria-label={quoteattr(chart.alternative())}'
    return _ROOT.sub(lambda root: root[0][:-1] + named + ">", drawn, count=1)


def _pattern(name: str) -> str:
    return (
        f'<defs><pattern id="{name}" width="4" height="4" patternUnits="userSpaceOnUse" '
        f'patternTransform="rotate(45)"><rect width="4" height="4" fill="#ffffff"/>'
        f'<rect width="1.4" height="4" fill="{DARK}"/></pattern></defs>'
    )
