"""What the building of reports says of itself."""

from prometheus_client import Counter, Histogram

BUILT = Counter("hubbub_reports_built", "Reports built.")
FAILED = Counter("hubbub_reports_failed", "Builds of reports that failed; each order is tried three times.")
SECONDS = Histogram(
    "hubbub_report_seconds", "Time of building a report.", buckets=(0.1, 0.3, 1, 3, 10, 30, 90)
)
