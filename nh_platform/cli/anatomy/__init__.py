"""Commands about places in the brain.

Add a command here that converts or draws positions.
"""
