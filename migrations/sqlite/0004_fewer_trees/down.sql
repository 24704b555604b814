-- The tables serve an older program as they are, but for the tree's leaves, which it has to make anew.
SELECT 1;
