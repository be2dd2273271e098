"""Charts drawn: one module makes an SVG of a chart, for documents and for pages."""
