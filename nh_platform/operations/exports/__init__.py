"""What the store holds, written in layouts that other tools read.

Add here what a person exports. What is in the files stands in `nh_platform.exports`.
"""
