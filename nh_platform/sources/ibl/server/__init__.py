"""The connection to Alyx through ONE: a private home, deadlines, a renewed login, and what its errors mean.

Add here what asks a server. What the answers mean for a session is `catalogue` beside this.
"""
