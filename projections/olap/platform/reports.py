"""The register of the reports of all customers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from projections.olap.platform.bridge import BRIDGE_REPORTS
from projections.olap.platform.converted import CONVERTED_REPORTS
from projections.olap.platform.report import PlatformReportDefinition
from projections.olap.platform.scorecard import SCORECARD_REPORTS
from projections.olap.platform.sums import SUM_REPORTS
from projections.olap.platform.tables import TABLE_REPORTS

PLATFORM_REPORTS: Final[Mapping[str, PlatformReportDefinition]] = {
    definition.info.name: definition
    for definition in (*SUM_REPORTS, *TABLE_REPORTS, *BRIDGE_REPORTS, *CONVERTED_REPORTS, *SCORECARD_REPORTS)
}
