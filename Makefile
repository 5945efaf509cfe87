# Needs only make and Python 3.11 or newer: everything else goes into .venv, from pip's own index and torch at the version in constraints.txt.
#   make demo [MODEL=path-or-hub-id] [TEXTS=file]        from text to a rewritten model, in demo/
#   make test                                            everything CI runs
#   make test-browser                                   the control room in a headless Chromium, screenshots in browser/
#   make docs                                            the documentation as a static site in _docs/, every link checked
#   make lab                                             the notebooks in JupyterLab
#   make bench [MODEL=path] [TEXTS=file] [PEER=python]   speed and memory, PEER: python of an environment with the package gradiend
#   make bench-convergence                               does the default converge? 270 trainings, needs make bench-models (an hour)
#   make bench-effect [MODEL=path TEXTS=file]           what a rewrite gains and what it raises elsewhere, three seeds (half an hour)
#   make bench-objectives                               does the feature come out with every kind of model and objective? (two minutes)
#   make bench-articles                                 do changes of one German article share weights? five seeds of the paradigm (ten minutes)
#   make bench-device                                   time and memory of large random models on an accelerator
#   make prepare                                         notebooks -> modules and README.md, notebooks cleaned: run it before a commit
#   make base-models, make bench-models                  remake the embedded models; the larger ones for benchmarks (minutes)
.PHONY: demo test test-browser docs lab bench bench-articles bench-objectives bench-device bench-convergence bench-effect prepare readme base-models bench-models clean
PYTHON ?= python3
MODEL ?=
TEXTS ?=
PEER ?=
bin := .venv/bin
options := $(if $(MODEL),--model "$(MODEL)") $(if $(TEXTS),--texts "$(TEXTS)")
install := $(bin)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

demo: .venv/runtime
	$(bin)/gradiend_nb demo $(options)

test: .venv/browser
	$(bin)/python .ci/test.py

docs: .venv/docs
	$(bin)/python .ci/docs.py

test-browser: .venv/browser
	$(bin)/python .ci/browser.py

lab: .venv/dev
	$(bin)/jupyter lab nbs

bench: .venv/runtime
	$(bin)/python .ci/bench.py $(options) $(if $(PEER),--peer "$(PEER)")
	$(bin)/python .ci/bench_data.py $(if $(TEXTS),--texts "$(TEXTS)")

bench-convergence: .venv/runtime
	$(bin)/python .ci/bench_convergence.py --out tests_data/convergence.csv

prepare: .venv/dev
	$(bin)/nbdev_export
	$(bin)/nbdev_clean
	$(bin)/python .ci/nb2md.py

readme: .venv/dev
	$(bin)/python .ci/nb2md.py

bench-effect: .venv/runtime
	$(bin)/python .ci/bench_effect.py $(options)

run-base-models := $(bin)/jupyter nbconvert --to notebook --execute --inplace --ExecutePreprocessor.timeout=-1 nbs/base_models.ipynb

base-models: .venv/dev
	$(run-base-models)
	$(bin)/nbdev_clean --fname nbs/base_models.ipynb

bench-objectives: .venv/dev
	$(bin)/python .ci/bench_objectives.py

bench-articles: .venv/dev
	$(bin)/python .ci/bench_articles.py

bench-device: .venv/dev
	$(bin)/python .ci/bench_device.py

bench-models: .venv/dev
	GRADIEND_BENCH=1 $(run-base-models)
	$(bin)/nbdev_clean --fname nbs/base_models.ipynb

clean:
	rm -rf .venv demo bench browser build dist *.egg-info _docs _proc

.venv/torch: constraints.txt
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	test -x $(bin)/python || $(PYTHON) -m venv .venv
	$(install) torch
	touch $@

.venv/runtime: .venv/torch settings.ini setup.py
	$(install) -e .
	touch $@

.venv/docs: .venv/torch settings.ini setup.py
	$(install) -e '.[dev,docs]'
	touch $@ .venv/runtime

.venv/dev: .venv/torch settings.ini setup.py
	$(install) -e '.[dev,docs,plot,data]'
	touch $@ .venv/docs .venv/runtime

.venv/browser: .venv/dev
	$(install) -e '.[browser]'
	touch $@
