"""Stored sessions of Visual Coding and Visual Behavior under the names of AllenSDK's sessions.

Add here what a notebook reads of AllenSDK's sessions. IBL's loaders are beside this folder.
"""
