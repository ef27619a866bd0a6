# `make` alone prints this list.
PYTHON ?= python3
ENV := .venv
BIN := $(ENV)/bin
HOST ?= 127.0.0.1
PORT ?= 8000
export HUIYONG_DATA ?= $(CURDIR)/var

.PHONY: help run migrate demo test check bench translations

help: ## print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(ENV)/run.stamp: requirements.txt
	@$(PYTHON) tools/environment.py $(ENV) requirements.txt
	@touch $@

$(ENV)/test.stamp: requirements.txt requirements-cluster.txt requirements-dev.txt
	@$(PYTHON) tools/environment.py $(ENV) requirements-dev.txt
	@touch $@ $(ENV)/run.stamp

marketplace/translations/.stamp: $(wildcard marketplace/translations/*/*.po)
	@$(BIN)/flask --app wsgi translations compile >/dev/null
	@touch $@

run: $(ENV)/run.stamp marketplace/translations/.stamp ## make the environment, the database and the demo world, serve site and worker
	@$(BIN)/flask --app wsgi database upgrade
	@$(BIN)/flask --app wsgi demo load --once
	@HOST=$(HOST) PORT=$(PORT) $(BIN)/python tools/serve.py

test: $(ENV)/test.stamp marketplace/translations/.stamp ## make what the tests need and run all of them
	@$(BIN)/python tools/system_packages.py
	@$(BIN)/python -m pytest -n 2 --dist loadfile

check: $(ENV)/test.stamp marketplace/translations/.stamp ## the static part alone: style, types, layers, templates, translations
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/djlint --lint --quiet templates
	@$(BIN)/flask --app wsgi translations missing

bench: $(ENV)/test.stamp marketplace/translations/.stamp ## measure, print a table and write var/bench.json
	@$(BIN)/python -m bench

migrate: $(ENV)/run.stamp ## bring the database to the newest schema
	@$(BIN)/flask --app wsgi database upgrade

demo: migrate marketplace/translations/.stamp ## load the demo world once
	@$(BIN)/flask --app wsgi demo load --once

translations: $(ENV)/run.stamp ## merge and compile the catalogues
	@$(BIN)/flask --app wsgi translations compile
