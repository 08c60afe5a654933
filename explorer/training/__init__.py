"""The training of a network: losses, optimisers, tasks, models, and a run that can be paused at any update."""

from explorer.training.counters import followers, lesioned, score_by_count, score_by_distance
from explorer.training.history import History, Record
from explorer.training.review_runs import ReviewRun
from explorer.training.runs import TrainingRun
from explorer.training.saving import load, save
from explorer.training.specification import Judging, Training, Translating, rivals
from explorer.training.tasks import TASKS, Batch, Task
from explorer.training.translation_runs import TranslationRun
from explorer.training.translators import EncoderDecoder

__all__ = [
    "TASKS",
    "Batch",
    "EncoderDecoder",
    "History",
    "Judging",
    "Record",
    "ReviewRun",
    "Task",
    "Training",
    "TrainingRun",
    "Translating",
    "TranslationRun",
    "followers",
    "lesioned",
    "load",
    "rivals",
    "save",
    "score_by_count",
    "score_by_distance",
]
