"""Reports: figures and pages made from the store and from the rules.

Add here what draws or lays out something for a person. Nothing here computes a metric, decides about a unit or imports
Dagster.
"""
