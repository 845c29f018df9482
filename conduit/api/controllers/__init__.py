"""One file for each section of an API; only here may a kind be named outside conduit/resources."""
