"""What the pages of Dagster's web server ask for, shortened to what costs time.

Add a query here when a page gets slow. The queries follow those of the shipped web bundle (1.13.27).
"""

from __future__ import annotations

import json
import urllib.request
from typing import Any

ASSET_PAGE = """
query Page($key: AssetKeyInput!) { assetNodeOrError(assetKey: $key) { ... on AssetNode {
  id partitionStats { numMaterialized numPartitions numFailed numMaterializing }
  assetChecksOrError { ... on AssetChecks { checks {
    name blocking partitionDefinition { name type }
    partitionStatuses { ... on AssetCheckDefaultPartitionStatuses {
      succeededPartitions failedPartitions inProgressPartitions skippedPartitions executionFailedPartitions } }
    executionForLatestMaterialization { status partition } } } } } } }
"""

PARTITIONS_PAGE = """
query Partitions($key: AssetKeyInput!) { assetNodeOrError(assetKey: $key) { ... on AssetNode {
  id partitionKeysByDimension { name partitionKeys }
  assetPartitionStatuses { ... on DefaultPartitionStatuses {
    materializedPartitions failedPartitions unmaterializedPartitions materializingPartitions } } } } }
"""

CHECK_PAGE = """
query Check($key: AssetKeyInput!, $name: String!) {
  assetCheckExecutions(assetKey: $key, checkName: $name, limit: 25) {
    status partition evaluation { severity success partition metadataEntries { label } } }
  assetNodeOrError(assetKey: $key) { ... on AssetNode { assetCheckOrError(checkName: $name) {
    ... on AssetCheck { name partitionStatuses { ... on AssetCheckDefaultPartitionStatuses {
      succeededPartitions failedPartitions } } } } } } }
"""

EVENTS_PAGE = """
query Events($key: AssetKeyInput!) { assetOrError(assetKey: $key) { ... on Asset {
  assetEventHistory(limit: 100, eventTypeSelectors: [MATERIALIZATION, OBSERVATION, FAILED_TO_MATERIALIZE]) {
    cursor results { ... on MaterializationEvent {
      partition runId timestamp stepKey label description tags { key value }
      assetKey { path } assetLineage { partitions assetKey { path } }
      metadataEntries { label description
        ... on PathMetadataEntry { path } ... on UrlMetadataEntry { url } ... on TextMetadataEntry { text }
        ... on MarkdownMetadataEntry { mdStr } ... on FloatMetadataEntry { floatValue }
        ... on IntMetadataEntry { intValue intRepr } ... on BoolMetadataEntry { boolValue }
        ... on TableMetadataEntry { table { records schema {
          columns { name description type tags { key value } constraints { nullable unique other } }
          constraints { other } } } } } } } } } } }
"""


def ask(address: str, query: str, variables: dict[str, Any]) -> dict[str, Any]:
    """Ask the web server and return ``data``.

    Raises
    ------
    RuntimeError
        With what the server complains about.
    """
    body = json.dumps({"query": query, "variables": variables}).encode()
    request = urllib.request.Request(f"{address}/graphql", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=120) as answer:
        found = json.load(answer)
    if "errors" in found:
        raise RuntimeError(str(found["errors"])[:1000])
    return found["data"]
