"""A store in a bucket (S3 and what speaks it): its address, its requests, and the part of it this machine holds."""
