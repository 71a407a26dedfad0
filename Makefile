# make run    set up and do the main job: default corpus -> potentials -> shared space -> results/report.html
# make test   set up with the developer tools and run all tests (a few minutes)
# make help   the rest
SHELL  := /bin/bash -o pipefail
PYTHON ?= python3.11
VENV   := .venv
BIN    := $(VENV)/bin
SETUP  := settings.ini constraints.txt setup.py pyproject.toml
PIP    := $(BIN)/python -m pip --disable-pip-version-check install -c constraints.txt
QUIET  := { grep --line-buffered -vE 'already satisfied|Location .* is ignored' || true; }
PYTEST := OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} $(BIN)/python -m pytest

.DEFAULT_GOAL := help
.PHONY: help run setup setup-dev test test-long check-slow bench lint sync readme check docs slides lab constraints clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1|\2/' | column -t -s '|'

run: $(VENV)/.stamp-run ## set up and do the main job; writes results/ (more options: RUN="--seed 1")
	$(BIN)/platonic run --out results $(RUN)

setup: $(VENV)/.stamp-run ## only set up, what `make run` needs

setup-dev: $(VENV)/.stamp-dev ## only set up, what `make test` needs

test: $(VENV)/.stamp-dev ## set up and run all tests
	$(PYTEST) -n auto --maxprocesses 4 --dist loadfile $(TESTS)

test-long: $(VENV)/.stamp-dev $(VENV)/.stamp-docs ## the tests that take minutes each
	$(PYTEST) -m "slow and not cuda and not net" --timeout 3600 $(TESTS)

check-slow: $(VENV)/.stamp-dev ## recompute a slice of every stored run (minutes)
	$(BIN)/python tools/check_slow.py

bench: $(VENV)/.stamp-dev ## measure speed and memory as ratios, write BENCHMARKS.md (half an hour; some of it: BENCH="knn start")
	OMP_NUM_THREADS=1 $(BIN)/python tools/bench.py $(BENCH)

lint: $(VENV)/.stamp-dev ## ruff, spelling
	$(BIN)/ruff check .
	$(BIN)/codespell

sync: $(VENV)/.stamp-dev ## clean and export the notebooks, write the generated tests and README.md
	$(BIN)/nbdev-clean
	$(BIN)/nbdev-export
	$(BIN)/python tools/gen_tests.py
	$(BIN)/python tools/readme.py

readme: $(VENV)/.stamp-dev ## README.md from nbs/index.ipynb
	$(BIN)/python tools/readme.py

check: sync ## fail when notebooks, package, generated tests and README are not in step with the commit
	@git diff --exit-code --stat || { echo "check: out of step; look at the diff above, commit what 'make sync' wrote"; exit 1; }
	@test -z "$$(git ls-files --others --exclude-standard)" || { git ls-files --others --exclude-standard; \
	    echo "check: the files above are untracked; commit or ignore them"; exit 1; }
	@echo "check: in step"

docs: $(VENV)/.stamp-docs ## the documentation site, from the outputs stored in the notebooks: _docs/index.html
	$(BIN)/python -m tools.docs

slides: $(VENV)/.stamp-run ## one deck from all lessons, for a talk or on paper: slides.html
	$(BIN)/python tools/slides.py

lab: $(VENV)/.stamp-dev ## JupyterLab on the notebooks
	cd nbs && ../$(BIN)/jupyter lab

constraints: $(VENV)/.stamp-dev $(VENV)/.stamp-docs ## write constraints.txt from what is installed (after an upgrade)
	$(BIN)/python -m pip freeze --all --exclude-editable | grep -vE '^pip==| @ ' | sed 's/+cpu$$//' > constraints.txt

clean: ## remove caches, builds and results; .venv stays
	rm -rf results build dist *.egg-info _proc _docs slides.html .pytest_cache .ruff_cache .hypothesis .coverage htmlcov
	find nbs platonic_nb tests tools -name __pycache__ -o -name .ipynb_checkpoints | xargs rm -rf

# One environment in the clone. A stamp is newer than every file that says what belongs in it, so a second call is quick.
$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null || { \
	    echo "platonic_nb: '$(PYTHON)' is not Python 3.11, for which constraints.txt was made; install python3.11" \
	         "(with its venv module), or name yours: make PYTHON=/path/to/python3.11 ..." >&2; exit 1; }
	@echo "Setting up $(VENV) (minutes the first time, nothing afterwards)"
	$(PYTHON) -m venv $(VENV)

$(VENV)/.stamp-run: $(SETUP) | $(BIN)/pip
	$(PIP) -e ".[bundled,explorer]" 2>&1 | $(QUIET)
	@touch $@

$(VENV)/.stamp-dev: $(SETUP) | $(BIN)/pip
	$(PIP) -e ".[bundled,dev]" 2>&1 | $(QUIET)
	@touch $@ $(VENV)/.stamp-run

# Sphinx and what it needs, about 200 MB that no test of the package asks for
$(VENV)/.stamp-docs: $(SETUP) | $(BIN)/pip
	$(PIP) -e ".[docs]" 2>&1 | $(QUIET)
	@touch $@
