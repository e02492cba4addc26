# Two commands on a fresh machine with Python >= 3.11 and make: `make demo` and `make test`.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
EXTRAS := dicom,formats,embed,local-features,onnx,export,postgres,plots,dev
ROOMS  := core registry harmonize embeddings curate cli

.PHONY: demo test check typing-links catalog constraints clean

demo: $(VENV)/ready
	@$(BIN)/isocenter demo --workspace demo-workspace
	@echo "The command is $(BIN)/isocenter; to have it on the path of this shell: . $(BIN)/activate"

test: $(VENV)/ready
	@$(BIN)/pytest

check: $(VENV)/ready typing-links
	@$(BIN)/ruff check .
	@$(BIN)/lint-imports --no-cache
	@for room in $(ROOMS); do echo "mypy isocenter.$$room"; MYPYPATH=.typing $(BIN)/mypy --no-error-summary -p isocenter.$$room || exit 1; done

$(VENV)/ready: pyproject.toml setup.py constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "isocenter needs Python >= 3.11: make PYTHON=python3.12 …")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV) (about two minutes the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(EXTRAS)]'
	@touch $@

typing-links:
	@mkdir -p .typing/isocenter && for room in $(ROOMS); do ln -sfn ../../$$room .typing/isocenter/$$room; done

constraints: $(VENV)/ready
	@$(BIN)/python -m pip freeze --exclude isocenter > constraints.txt

clean:
	rm -rf $(VENV) .typing demo-workspace build *.egg-info
