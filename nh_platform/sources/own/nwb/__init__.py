"""NWB files of any lab: units, electrodes, intervals and time series by the standard, and by names that are stated."""
