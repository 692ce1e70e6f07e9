"""The recorded files of IBL sessions: SpikeGLX's samples, compressed or not, their headers, clocks and videos.

Contains what is listed and fetched on request, and the slices that are read of it. No asset reads anything here.
"""
