# make run    start the studio (HOST, PORT and VOXTALE_HOME override where; ARGS="--public-demo" adds options)
# make test   run the whole suite (ARGS="tests/studio -x" chooses)
# make doctor say what is missing on this machine and how to mend it
# All of them prepare .venv first; a second run installs nothing.

VENV ?= .venv
PYTHON ?= $(firstword $(foreach version,3.11 3.12 3,$(shell python$(version) -c \
  'import ensurepip, sys, venv; (3, 11) <= sys.version_info < (3, 13) and print("python$(version)")' 2>/dev/null)))

.PHONY: run test doctor check setup setup-dev clean

run: setup
	@exec $(VENV)/bin/python app.py serve $(ARGS)

test: setup setup-dev
	@exec $(VENV)/bin/python -m pytest -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder $(ARGS)

doctor: setup
	@exec $(VENV)/bin/python app.py doctor $(ARGS)

check: setup setup-dev
	@$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check .

setup: $(VENV)/product.stamp
setup-dev: $(VENV)/dev.stamp

$(VENV)/pyvenv.cfg:
	@test -n "$(PYTHON)" || { echo "VoxTale needs Python 3.11 or 3.12 with its venv module: on Debian and Ubuntu \`sudo apt install python3-venv\`, elsewhere see https://www.python.org/downloads/. Then run make again."; exit 1; }
	@echo "Creating $(VENV) with $(PYTHON) ..."
	@$(PYTHON) -m venv $(VENV)

# The stamp is written only after pip has succeeded: an interrupted installation is taken up again.
$(VENV)/product.stamp: requirements.txt $(VENV)/pyvenv.cfg
	@echo "Installing what the studio needs (once; a few minutes and about 6 GB, most of it torch) ..."
	@$(VENV)/bin/python -m pip install --disable-pip-version-check --quiet -r requirements.txt
	@touch $@

$(VENV)/dev.stamp: requirements-dev.txt $(VENV)/product.stamp
	@echo "Installing what the tests need (once) ..."
	@$(VENV)/bin/python -m pip install --disable-pip-version-check --quiet -r requirements.txt -r requirements-dev.txt
	@touch $@

clean:
	rm -rf $(VENV)
