# Every target alone is enough on a fresh clone: each first makes .venv (needs Python 3.11 to 3.13 and make).
#   make demo       reconstruct examples/astronaut.jpg into demo/
#   make test       lint, types, import layers, then the test suite
#   make test-data  only the tests that read the test data; fails where data is absent
#   make lint       ruff, mypy, import-linter
#   make docs       the site of guides and reference in build/site
#   make bench      the time of each stage, of synthetic faces and of graph convolutions beside PyTorch Geometric
#   make gltf-validator  the Khronos validator for the tests of GLB files; make test calls it itself
# PIP_FLAGS="--extra-index-url https://download.pytorch.org/whl/cpu" gets torch without CUDA where
# the default index would bring it along.

PYTHON ?= $(shell for p in python3 python3.11 python3.12 python3.13; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$p && break; done)
PIP_FLAGS ?=
WORKERS ?= 2
# A file stays with one worker, so that what its tests share is made once.
BY_FILE := --dist loadfile --no-loadscope-reorder
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: demo test test-data lint bench docs clean gltf-validator
.DELETE_ON_ERROR:

$(STAMP): pyproject.toml
	@test -n "$(PYTHON)" || { echo "headform needs Python 3.11, 3.12 or 3.13 on the PATH (or make PYTHON=...)"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_FLAGS) -e '.[dev,evaluate,onnx]'
	@touch $@

demo: $(STAMP)
	$(BIN)/headform reconstruct examples/astronaut.jpg -o demo
	@echo
	@echo "Look at   demo/astronaut/overlay.png   what was found, drawn on the photo"
	@echo "Open      demo/astronaut/report.html   the head, to turn, in a browser (no network needed)"
	@echo "Import    demo/astronaut/head.glb      into Blender, Unity, three.js: texture and 52 ARKit shapes"

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

# Needs npm and the network once; without either the tests that use it are skipped with a reason.
gltf-validator:
	@command -v npm >/dev/null || { echo "no npm: GLB files are not validated"; exit 0; }; \
	test -d build/gltf-validator/node_modules/gltf-validator || \
	npm install --silent --ignore-scripts --no-audit --no-fund --fetch-retries=0 --fetch-timeout=20000 \
		--prefix build/gltf-validator gltf-validator@2.0.0-dev.3.10 || \
	echo "gltf-validator could not be installed (offline?): GLB files are not validated"

test: lint gltf-validator
	$(BIN)/pytest -q -n $(WORKERS) $(BY_FILE)

test-data: $(STAMP)
	HEADFORM_REQUIRE_DATA=1 $(BIN)/pytest -q -n $(WORKERS) $(BY_FILE) -m data

bench: $(STAMP)
	$(BIN)/python -m benchmarks

docs: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_FLAGS) -e '.[docs]'
	$(BIN)/mkdocs build --strict --quiet
	@echo "Open build/site/index.html"

clean:
	rm -rf .venv build dist demo .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
