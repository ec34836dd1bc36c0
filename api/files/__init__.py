"""Files that somebody uploads: what they are, told from their bytes, and what is taken out of them."""
