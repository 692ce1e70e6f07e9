"""Folders of Kilosort and phy: samples to seconds by the stated rate, clusters and labels, CSV files beside them."""
