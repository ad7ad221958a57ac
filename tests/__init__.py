"""The tests. A package, so that another of this name among the installed ones does not take its place."""
