"""What the commands of `python -m explorer` have in common."""
