"""The training of a network: losses, optimisers, tasks, models, and a run that can be paused at any update."""

from explorer.training.runs import TrainingRun
from explorer.training.saving import load, save
from explorer.training.specification import Training, rivals
from explorer.training.tasks import TASKS

__all__ = ["TASKS", "Training", "TrainingRun", "load", "rivals", "save"]
