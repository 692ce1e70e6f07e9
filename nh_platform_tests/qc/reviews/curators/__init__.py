"""Labels of other curators."""
