"""SpikeInterface's quality metrics for a block of units.

Add here what computes a definition of `nh_platform.qc.metrics.definitions.spikeinterface_metrics`. Each module has its
own `GROUPS`; loops over spikes stand in `sample_kernels`, `bin_kernels` and `order_kernels` of
`nh_platform.qc.metrics.kernels`.
"""
