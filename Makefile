# The few things that people type. The work is done by CMake's presets and by the scripts in tools/.
SHELL := /bin/bash
PYTHON := /usr/bin/python3
BIN := build/release/bin
JOBS ?= $(shell nproc)
# What `make test` runs, in this order; add "sanitize" for a short list under the sanitizers.
TEST_STEPS ?= tidy unit simulate processes

PREFIX ?= /usr/local

.PHONY: setup build install run run-cluster test accept sanitize soak clean

setup:
	@tools/setup

build: setup
	@cmake --preset release $(CMAKE_ARGS)
	@cmake --build build/release -j $(JOBS)

# The binaries under PREFIX/bin with Redis's names linked, the stock configuration and install_server under
# PREFIX/share/vigil, systemd's units under PREFIX/lib.
install: build
	@cmake --install build/release --prefix $(PREFIX)

run: build
	@$(PYTHON) tools/run-demo --bin $(BIN)

# Six nodes of a cluster on loopback, until Ctrl-C.
run-cluster: build
	@$(PYTHON) tools/run-cluster --bin $(BIN)

test: build
	@JOBS=$(JOBS) tools/test $(TEST_STEPS)

# The long forms of the tests.
accept: build
	@VIGIL_ACCEPT=1 JOBS=$(JOBS) tools/test $(TEST_STEPS)

# Unit tests and process tests under ASan+UBSan, then under TSan.
sanitize: setup
	@JOBS=$(JOBS) tools/test sanitize-all

# The simulator over fresh seeds and the process tests, again and again until one fails or Ctrl-C.
soak: build
	@while JOBS=$(JOBS) tools/test soak processes; do :; done; exit 1

clean:
	@rm -rf build .pytest_cache tests/__pycache__ tests/*/__pycache__
