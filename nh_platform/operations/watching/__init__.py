"""What a monitoring system asks of a home folder, and what is told to it.

Add here another form in which what goes on is read by programs. What people read is `nh status` and the page.
"""
