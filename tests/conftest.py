"""What holds for all tests."""

import atexit
import os
import shutil
import tempfile

os.environ["KERAS_BACKEND"] = "torch"  # read once, when Keras is first imported
os.environ["EXPLORER_CACHE"] = tempfile.mkdtemp(prefix="explorer-tests-")  # of the servers that tests start, too
atexit.register(shutil.rmtree, os.environ["EXPLORER_CACHE"], ignore_errors=True)
