"""What holds for all tests."""

import os

os.environ["KERAS_BACKEND"] = "torch"  # read once, when Keras is first imported
