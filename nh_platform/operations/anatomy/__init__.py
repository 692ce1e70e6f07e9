"""Operations on places in the brain: tables of coordinates converted, probes drawn.

Add here what a person does with positions. What they mean is `nh_platform.sources.anatomy`.
"""
