# The verbs of the project. `make help` lists them.
# Written for GNU make 3.81 and a POSIX shell, so that it runs on macOS as it is.

PYTHON   ?=
EXTRAS   ?=
PIP_ARGS ?=
JOBS     ?= 2
LAB_ARGS ?=
VENV     ?= .venv

PY  := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check

PYTHONS := $(if $(PYTHON),$(PYTHON),python3.13 python3.12 python3.11 python3)

comma := ,
empty :=
space := $(empty) $(empty)
# "mcu speech" and "mcu,speech" name the same extras.
extras  = $(subst $(space),$(comma),$(strip $(subst $(comma),$(space),$(1) $(EXTRAS))))
# One stamp for each set of extras: newer than the pins means that there is nothing to install.
stamp   = $(VENV)/.ready-$(or $(call extras,$(1)),none)
PYTEST := $(PY) -m pytest -n $(JOBS) --dist loadgroup

help: ## list the verbs
	@awk -F ':[^#]*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "  EXTRAS=mcu,speech   also install these optional parts (pyproject.toml lists them)"
	@echo "  PYTHON=python3.12   the Python to make $(VENV) with, 3.11 or newer"
	@echo "  PIP_ARGS=...        further options for pip install, such as an index with CPU builds"
	@echo "  JOBS=2              test processes"
	@echo "  LAB_ARGS=...        further options for jupyter lab: --no-browser --allow-root"

demo: $(call stamp,grading) ## set up, run the ten-minute lab, grade a made-up cohort of it
	@mkdir -p results
	$(VENV)/bin/lab run quickstart -o results/quickstart.ipynb
	@$(PY) -m nbconvert --log-level=ERROR --to html results/quickstart.ipynb
	@echo
	@echo "Twelve made-up submissions to it, right, wrong and hostile, are graded:"
	@$(PY) -m grading.cohort results/cohort
	@$(VENV)/bin/course grade quickstart results/cohort -o results/grades --trust-submissions
	@echo
	@echo "results/quickstart.html    the executed lab, to open in a browser"
	@echo "results/quickstart.ipynb   the same as a notebook"
	@echo "results/quickstart.json    parameters, results and where they were measured"
	@echo "results/grades             the grades; report.html is for instructors, feedback/ for students"

lab: $(call stamp,mcu) ## open JupyterLab in labs/
	$(PY) -m jupyterlab --ServerApp.root_dir=labs $(LAB_ARGS)

test: $(call stamp,dev) ## the whole gate: format, lint, types, imports, builds, tests, notebooks
	$(call checks)
	$(VENV)/bin/course build --check
	$(PYTEST)

quick: $(call stamp,dev) ## the gate's fast part, without notebooks and browser
	$(call checks)
	$(VENV)/bin/course build --check
	$(PYTEST) -m "not notebook and not browser"

notebooks: $(call stamp,dev) ## run every notebook with its defaults
	$(PYTEST) tests/test_notebooks.py --preset default

build: $(call stamp,dev) ## make student and reference notebooks from their sources
	$(VENV)/bin/course build

docs: $(call stamp,docs) ## write the API pages to build/docs
	$(PY) -m pdoc --docformat numpy -o build/docs course_utils labs

pins: $(call stamp,dev) ## resolve every extra anew and rewrite constraints.txt
	$(PIP) install --dry-run --ignore-installed --report build-report.json \
	  $(PIP_ARGS) "$${TORCH:-$$(grep '^torch==' constraints.txt)}" '.[all]'
	$(PY) tests/pins.py build-report.json > constraints.new
	mv constraints.new constraints.txt
	rm build-report.json

clean: ## remove builds and caches; keeps results/ and the environment
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find course_utils labs grading tests -type d -name __pycache__ -prune -exec rm -rf {} +

define checks
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(VENV)/bin/lint-imports
endef

$(VENV)/.made:
	@found=; \
	for python in $(PYTHONS); do \
	  if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	  then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "no Python >= 3.11 found (tried: $(PYTHONS));" \
	    "install one, or name it: make PYTHON=/path/to/python3.12" >&2; exit 2; \
	fi; \
	if ! "$$found" -c 'import ensurepip, venv' 2>/dev/null; then \
	  echo "$$found has no venv module;" \
	    "on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 2; \
	fi; \
	echo "making $(VENV) with $$found"; \
	"$$found" -m venv "$(VENV)"
	@touch $@

# torch comes first and alone: whatever else asks for a torch finds this one. Its download is the
# largest by far, so a person sees its progress. Every set of extras holds what is required.
$(VENV)/.ready-%: $(VENV)/.made pyproject.toml constraints.txt
	@echo "installing torch into $(VENV): the largest download, minutes the first time"
	$(PIP) $(if $(CI),--quiet) install $(PIP_ARGS) -c constraints.txt \
	  "$$(grep '^torch==' constraints.txt)"
	@echo "installing the other packages: some 150, minutes the first time"
	$(PIP) --quiet install $(PIP_ARGS) -c constraints.txt -e '.$(if $(filter-out none,$*),[$*])'
	@touch $@ "$(VENV)/.ready-none"

.PHONY: help demo lab test quick notebooks build docs pins clean
