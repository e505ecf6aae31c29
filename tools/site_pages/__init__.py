"""Pages and parts of pages of the documentation that are made from the code."""
