"""Commands for monitoring systems. Add one here that a program reads; what people read is `nh status`."""
