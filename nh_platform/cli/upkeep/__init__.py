"""Commands that keep what is stored whole: `nh verify`, `nh migrate`, `nh backup`, `nh restore`, `nh prune`, locks."""
