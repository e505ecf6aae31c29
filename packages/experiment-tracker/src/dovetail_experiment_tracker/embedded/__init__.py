"""What the embedded flavor is made of: an SQLite database, and a directory of files."""
