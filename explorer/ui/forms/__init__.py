"""The page of the four forms: what a visitor may ask of each, what is said of the answer, and the pictures of it."""
