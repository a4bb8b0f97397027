# Everything that a developer, a demonstration and CI do. `make help` lists it.
# Nothing needs to be installed first: each target does its own set-up.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench chaos reset stop
MAKEFLAGS += --no-print-directory

PORT ?= 8000
ARGS ?=
export PATH := $(CURDIR)/.venv/bin:$(PATH)
PYTHON := .venv/bin/python
# A venv of another project that happens to be active must not leak in.
unexport VIRTUAL_ENV PYTHONPATH PYTHONHOME

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 16
	@echo
	@echo '  make demo PORT=8001        another port'
	@echo '  make test ARGS=tests/venues  a part of the tests, or any option of pytest'

setup: ## Debian packages, .venv, messages, static files (the other targets call it)
	@scripts/setup demo

demo: setup ## run the portal with a demonstration city; Ctrl-C stops it
	@PORT=$(PORT) $(PYTHON) scripts/demo

test: ## every test, in two processes, on servers of its own
	@scripts/setup demo test
	@scripts/services start --instance test --fast
	@eval "$$(scripts/services env --instance test)"; \
	  BUREAU_CHROMIUM=$$(scripts/services chromium) $(PYTHON) -m pytest -n 2 $(ARGS)

check: ## format, lint, imports, types, templates, migrations, deployment; cheapest first
	@scripts/setup demo
	@scripts/check

bench: ## measure, and write bench/RESULTS.md
	@scripts/setup demo bench
	@$(PYTHON) -m bench $(ARGS)

chaos: ## kill its parts at random for a minute, then prove that nothing was lost
	@scripts/setup demo
	@$(PYTHON) -m bench.chaos $(ARGS)

reset: stop ## drop all data of the demonstration and of the tests
	@scripts/services reset --all
	@rm -rf .local/media .local/env .local/beat*

stop: ## stop the demonstration and every private server, keep the data
	@scripts/stop
