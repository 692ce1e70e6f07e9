"""The catalogue of an IBL release: ONE tables, what Alyx states beside them, and the manifest made of both.

Add here what is listed of sessions before anything is downloaded. How Alyx is asked is `server` beside this.
"""
