"""Work of a home folder done in several processes at once; offers `lanes` and what a process of its own does."""
