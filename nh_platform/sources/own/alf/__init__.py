"""Plain ALF trees, without the tables of ONE: an index of ours, whose ids are made of the paths."""
