"""Sentences made by rules that are known in full, with a part that is held out from training."""
