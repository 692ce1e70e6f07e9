"""Reviews across re-sorts: what a reviewed spike train looked like, and which unit is that neuron now.

Add here what ties a review to spikes rather than to an id. What a review decides is `nh_platform.qc.reviews`.
"""
