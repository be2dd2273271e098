"""How charts look, as Vega-Lite specifications: after IBCS, so that a reader of one report reads them all.

Actual values are solid and dark, those of the period before lighter, plans outlined, forecasts hatched. Differences
carry their sign. Nothing is told by colour alone, and green never stands against red.
"""

from __future__ import annotations

from typing import Any, Final

from application.charts import Better, Chart, Scenario
from domain.kernel.money import CURRENCIES

Json = dict[str, Any]

DARK: Final = "#3c3c3c"
LIGHT: Final = "#b9b9b9"
HATCHED: Final = "#0f0e0f"
"""Stands for a pattern until the chart is drawn: Vega has none."""
GOOD: Final = "#2a6fb0"
BAD: Final = "#c2571a"
_GREY: Final = "#707070"
_LINE: Final = "#d9d9d9"
_FILLS: Final = {
    Scenario.PREVIOUS: LIGHT,
    Scenario.ACTUAL: DARK,
    Scenario.PLAN: "#ffffff",
    Scenario.FORECAST: HATCHED,
}
_NAMES: Final = {
    Scenario.PREVIOUS: "period before",
    Scenario.ACTUAL: "this period",
    Scenario.PLAN: "plan",
    Scenario.FORECAST: "forecast",
}
_WIDTH: Final = 600
_HEIGHT: Final = 240
_VARIANCE_WIDTH: Final = 110
_LABELLED: Final = 16
_FEW: Final = 4
_SCHEMA: Final = "https://vega.github.io/schema/vega-lite/v6.json"


def spec_of(chart: Chart, font: str) -> Json:
    """The specification of a chart; texts in `font`.

    Labels stand in data and domains alone, never in `sort`: Vega-Lite writes that into an expression.
    """
    present = [scenario for scenario in _FILLS if any(mark.scenario is scenario for mark in chart.marks)]
    drawn = _columns(chart, present) if chart.kind == "columns" else _bars(chart, present)
    return {"$schema": _SCHEMA, "background": None, "config": _config(font), **drawn}


def _config(font: str) -> Json:
    axis = {
        "domainColor": DARK,
        "gridColor": _LINE,
        "labelColor": DARK,
        "labelFontSize": 12,
        "ticks": False,
        "title": None,
    }
    return {
        "font": font,
        "view": {"stroke": None},
        "axis": axis,
        "legend": {
            "title": None,
            "orient": "top",
            "labelFontSize": 12,
            "labelColor": DARK,
            "symbolType": "square",
            "symbolStrokeColor": DARK,
            "symbolStrokeWidth": 0.8,
        },
        "bar": {"stroke": DARK, "strokeWidth": 0.8},
    }


def _data(chart: Chart) -> Json:
    values = [
        {"label": mark.label, "scenario": _NAMES[mark.scenario], "value": mark.value} for mark in chart.marks
    ]
    return {"values": values}


def _shared(present: list[Scenario], *, offset: str) -> Json:
    """What both kinds have: the fill and the place within its group of each scenario."""
    names = [_NAMES[scenario] for scenario in present]
    legend = {} if len(present) > 1 else {"legend": None}
    return {
        "fill": {
            "field": "scenario",
            "type": "nominal",
            "scale": {"domain": names, "range": [_FILLS[scenario] for scenario in present]},
            **legend,
        },
        offset: {"field": "scenario", "type": "nominal", "scale": {"domain": names}},
    }


def _digits(chart: Chart) -> int:
    """How many digits after the point: those of the currency, where there are any, and none of thousands."""
    values = [abs(mark.value) for mark in chart.marks]
    whole = all(float(value).is_integer() for value in values)
    if whole or max(values, default=0) >= 1_000:  # noqa: PLR2004 - digits enough
        return 0
    return CURRENCIES.get(chart.unit, 1)


def _format(chart: Chart) -> str:
    return f",.{_digits(chart)}f"


def _ticks(chart: Chart) -> Json:
    """About five values on the axis; of few things each number once, and no halves that would read like it."""
    values = [mark.value for mark in chart.marks]
    few = all(value.is_integer() and 0 <= value <= _FEW for value in map(float, values))
    return {"values": list(range(int(max(values, default=0)) + 1))} if few else {"tickCount": 4}


def _columns(chart: Chart, present: list[Scenario]) -> Json:
    label = {
        "field": "label",
        "type": "ordinal",
        "axis": {"labelAngle": 0, "labelOverlap": "greedy", "labelSeparation": 6},
        "scale": {"domain": list(chart.labels), "paddingInner": 0.25, "paddingOuter": 0.1},
    }
    axis = {"format": _format(chart), **_ticks(chart)}
    value = {"field": "value", "type": "quantitative", "axis": axis}
    shared = _shared(present, offset="xOffset")
    layers: list[Json] = [{"mark": {"type": "bar"}, "encoding": {"x": label, "y": value, **shared}}]
    if len(chart.labels) <= _LABELLED:
        text = {"field": "value", "type": "quantitative", "format": _format(chart)}
        layers += [
            {
                "transform": [
                    {"filter": {"field": "scenario", "equal": _NAMES[Scenario.ACTUAL]}},
                    {"filter": f"datum.value {sign} 0"},
                ],
                "mark": {"type": "text", "dy": dy, "fontSize": 11, "color": DARK},
                "encoding": {"x": label, "y": value, "xOffset": shared["xOffset"], "text": text},
            }
            for sign, dy in ((">=", -6), ("<", 8))
        ]
    return {"data": _data(chart), "width": _WIDTH, "height": _HEIGHT, "layer": layers}


def _bars(chart: Chart, present: list[Scenario]) -> Json:
    step = 15 * len(present) + 10
    label = {
        "field": "label",
        "type": "ordinal",
        "axis": {"labelLimit": 190, "domain": False},
        "scale": {"domain": list(chart.labels), "paddingInner": 0.25, "paddingOuter": 0.1},
    }
    value = {"field": "value", "type": "quantitative", "axis": None}
    shared = _shared(present, offset="yOffset")
    text = {"field": "value", "type": "quantitative", "format": _format(chart)}
    bars = {
        "data": _data(chart),
        "width": _WIDTH - 190 - _VARIANCE_WIDTH,
        "height": step * max(len(chart.labels), 1),
        "layer": [
            {"mark": {"type": "bar"}, "encoding": {"y": label, "x": value, **shared}},
            {
                "mark": {"type": "text", "align": "left", "dx": 4, "fontSize": 11, "color": DARK},
                "encoding": {"y": label, "x": value, "yOffset": shared["yOffset"], "text": text},
            },
        ],
    }
    if Scenario.PREVIOUS not in present:
        return bars
    return {
        "hconcat": [bars, _variance(chart, step)],
        "spacing": 40,
        "resolve": {"scale": {"fill": "independent"}},
    }


def _variance(chart: Chart, step: int) -> Json:
    """What is more or less than before, with its sign; which way is good is told by colour too, never by it alone."""
    actual, before = chart.of(Scenario.ACTUAL), chart.of(Scenario.PREVIOUS)
    values = []
    for label in chart.labels:
        difference = actual.get(label, 0) - before.get(label, 0)
        good = (difference > 0) == (chart.better is Better.MORE)
        fill = _GREY if chart.better is Better.NEITHER else GOOD if good else BAD
        values.append({"label": label, "value": difference, "fill": fill, "text": _signed(difference, chart)})
    scale = {"domain": list(chart.labels)}
    label_ = {"field": "label", "type": "ordinal", "scale": scale, "axis": None}
    value = {"field": "value", "type": "quantitative", "axis": None}
    bar = {"type": "bar", "size": 12, "strokeWidth": 0}
    fill_ = {"field": "fill", "type": "nominal", "scale": None}
    texts = [
        {
            "transform": [{"filter": f"datum.value {sign} 0"}],
            "mark": {"type": "text", "align": align, "dx": dx, "fontSize": 11, "color": DARK},
            "encoding": {"y": label_, "x": value, "text": {"field": "text", "type": "nominal"}},
        }
        for sign, align, dx in ((">=", "left", 4), ("<", "right", -4))
    ]
    return {
        "title": {"text": "Difference", "fontSize": 12, "fontWeight": "normal", "color": DARK},
        "data": {"values": values},
        "width": _VARIANCE_WIDTH,
        "height": step * max(len(chart.labels), 1),
        "layer": [
            {"mark": bar, "encoding": {"y": label_, "x": value, "fill": fill_}},
            {"mark": {"type": "rule", "color": DARK}, "encoding": {"x": {"datum": 0}}},
            *texts,
        ],
    }


def _signed(value: float, chart: Chart) -> str:
    if value == 0:
        return "\u00b10"
    text = format(abs(value), _format(chart))
    return f"+{text}" if value > 0 else f"\u2212{text}"
