"""The training of a network: losses, optimisers, tasks, models, and a run that can be paused."""
