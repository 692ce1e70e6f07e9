"""What a person says to name events, and what is computed around them."""
