# make run   the explorer in the browser
# make test  everything that must hold

PYTHON ?= python3
VENV ?= .venv
PORT ?= 8501
BIN := $(if $(filter Windows_NT,$(OS)),Scripts,bin)
PY := $(VENV)/$(BIN)/python

.PHONY: run test lint chromium clean

run: $(VENV)/app.stamp
	$(PY) -m streamlit run app.py --server.port $(PORT)

# two workers: a test in a browser waits as much as it computes
test: lint chromium
	$(PY) -m pytest -n 2 --dist worksteal

lint: $(VENV)/dev.stamp
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

chromium: $(VENV)/dev.stamp
	$(PY) tests/browser/chromium.py

$(VENV)/app.stamp: requirements.txt
	test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/dev.stamp: requirements.txt requirements-torch.txt requirements-dev.txt
	test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@ $(VENV)/app.stamp

clean:
	rm -rf $(VENV) static/*.js static/*.css
