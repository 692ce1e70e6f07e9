"""Tests of `nh_platform.tasks.visual.psth_forecast`."""
