# The commands. They hold no logic: what they do is in infra/ (python -m infra), in tests/ and in the linters.
# Needed: make, git, Python 3.12 or newer. Everything else is installed into .venv* from infra/locks.

SHELL := /bin/sh
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
.PHONY: help run test proof replay check deploy destroy status trace approve redrive resend annotate refresh smoke rollback subscribe start \
	restore backfill bench lint security format locks environments clean

PYTHON = $(or $(shell sh infra/find_python.sh),$(error Python 3.12 or newer is needed; PYTHON=path names one))
TOOLS = @$(PYTHON) infra/environments.py tools
LOCAL = @$(PYTHON) infra/environments.py tools ministack $(if $(ENGINE),spark)
TESTS = @$(PYTHON) infra/environments.py tools tests ministack spark
INFRA = .venv/bin/python -m infra
quoted = '$(subst ','\'',$(1))'
stage = $(if $(STAGE),--stage $(call quoted,$(STAGE)))
dataset = $(if $(DATASET),--dataset $(call quoted,$(DATASET)))
engine = $(if $(ENGINE),--engine $(call quoted,$(ENGINE)))
json = $(if $(filter 1,$(JSON)),--json)
need = $(if $($(1)),,$(error usage: $(2)))

help:  ## what there is
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r name text; do \
	printf '  make %-13s %s\n' "$$name" "$$text"; done

run:  ## everything on this machine: the local cloud, the demo days, the dashboard; FEEDS=dir [DATASET=name] [ENGINE=spark]
	$(LOCAL)
	@$(INFRA) run $(if $(FEEDS),--feeds $(call quoted,$(FEEDS))) $(if $(DATASET),--dataset $(call quoted,$(DATASET))) $(engine)

test:  ## lint, types, templates, tests; ARGS= goes to pytest
	$(TESTS)
	@$(MAKE) lint
	@.venv/bin/python -m pytest -n 2 --dist loadgroup $(ARGS)

proof:  ## [FEEDS=dir] [ONLY=part,part] [OUT=file] [SEED=n] [SECONDS=n]: nothing lost, nothing twice, nothing half: all that is tried
	$(TESTS)
	@.venv/bin/python -m tests.proof $(if $(FEEDS),--feeds $(call quoted,$(FEEDS))) $(if $(ONLY),--only $(call quoted,$(ONLY))) \
	$(if $(OUT),--json $(call quoted,$(OUT))) $(if $(SEED),--seed $(call quoted,$(SEED))) \
	$(if $(SECONDS),--seconds $(call quoted,$(SECONDS)))

replay:  ## FEEDS=dir OUT=dir [FROM=day] [TO=day] [DATASET=name] [ENGINE=spark]: day folders through a fresh local cloud
	@$(call need,FEEDS,make replay FEEDS=dir OUT=dir [FROM=day] [TO=day])
	@$(call need,OUT,make replay FEEDS=dir OUT=dir [FROM=day] [TO=day])
	$(LOCAL)
	@$(INFRA) replay --feeds $(call quoted,$(FEEDS)) --out $(call quoted,$(OUT)) \
	$(if $(FROM),--from $(call quoted,$(FROM))) $(if $(TO),--to $(call quoted,$(TO))) $(if $(DATASET),--dataset $(call quoted,$(DATASET))) $(engine)

check:  ## FILES=dir or file [DATASET=name or file] [OUT=file]: what a declaration makes of files; without one, proposes it
	@$(call need,FILES,make check DATASET=name-or-file FILES=dir [OUT=file]; or FILES=file.csv alone for a proposal)
	$(TOOLS)
	@$(INFRA) check --files $(call quoted,$(FILES)) $(if $(DATASET),--dataset $(call quoted,$(DATASET))) $(if $(OUT),--out $(call quoted,$(OUT)))

deploy:  ## STAGE=x [SERVICE=api]: to the AWS account of the environment's credentials; one service, or everything
	@$(call need,STAGE,make deploy STAGE=x [SERVICE=api])
	$(TOOLS)
	@$(INFRA) deploy $(stage) $(if $(SERVICE),--service $(call quoted,$(SERVICE)))

destroy:  ## STAGE=x [FORCE=1]: tear the stage down; FORCE=1 also where it holds data
	@$(call need,STAGE,make destroy STAGE=x [FORCE=1])
	$(TOOLS)
	@$(INFRA) destroy $(stage) $(if $(filter 1,$(FORCE)),--force)

status:  ## [STAGE=x] [DATASET=name] [JSON=1]: the last runs, what is served, what is stuck; without STAGE, of the local cloud that runs here
	$(TOOLS)
	@$(INFRA) status $(stage) $(dataset) $(json)

trace:  ## RUN=id [STAGE=x] [DATASET=name] [SVG=file] [JSON=1]: one run through all services
	@$(call need,RUN,make trace RUN=2020-10-25T17:00:00Z [STAGE=x])
	$(TOOLS)
	@$(INFRA) trace --run $(call quoted,$(RUN)) $(stage) $(dataset) $(if $(SVG),--svg $(call quoted,$(SVG))) $(json)

approve:  ## RUN=id [STAGE=x] [DATASET=name] [JSON=1]: let a rejected run pass
	@$(call need,RUN,make approve RUN=2020-10-25T17:00:00Z [STAGE=x])
	$(TOOLS)
	@$(INFRA) approve --run $(call quoted,$(RUN)) $(stage) $(dataset) $(json)

redrive:  ## RUN=id [STAGE=x] [DATASET=name] [JSON=1]: try a run that ended badly again
	@$(call need,RUN,make redrive RUN=2020-10-25T17:00:00Z [STAGE=x])
	$(TOOLS)
	@$(INFRA) redrive --run $(call quoted,$(RUN)) $(stage) $(dataset) $(json)

resend:  ## RUN=id [STAGE=x] [DATASET=name] [JSON=1]: ask again for a run's mail or views that are not out
	@$(call need,RUN,make resend RUN=2020-10-25T17:00:00Z [STAGE=x])
	$(TOOLS)
	@$(INFRA) resend --run $(call quoted,$(RUN)) $(stage) $(dataset) $(json)

annotate:  ## RUN=id or DATE=day [SERIES=name] TEXT=words [STAGE=x] [DATASET=name] [JSON=1]: write down why, for readers
	@$(if $(and $(TEXT),$(or $(RUN),$(DATE))),,$(error usage: make annotate RUN=2020-10-25T17:00:00Z TEXT=words [STAGE=x]; or DATE=2020-10-05))
	$(TOOLS)
	@$(INFRA) annotate $(if $(RUN),--run $(call quoted,$(RUN))) $(if $(DATE),--date $(call quoted,$(DATE))) \
	$(if $(SERIES),--series $(call quoted,$(SERIES))) --text $(call quoted,$(TEXT)) $(stage) $(dataset) $(json)

refresh:  ## [RUN=id] [STAGE=x] [DATASET=name] [JSON=1]: render the views of a committed run anew, of the head where none is named
	$(TOOLS)
	@$(INFRA) refresh $(if $(RUN),--run $(call quoted,$(RUN))) $(stage) $(dataset) $(json)

smoke:  ## [STAGE=x] [JSON=1]: ask the stage's real endpoint what a visitor would ask
	$(TOOLS)
	@$(INFRA) smoke $(stage) $(json)

rollback:  ## [STAGE=x] [JSON=1]: services as they were when `make smoke` passed last
	$(TOOLS)
	@$(INFRA) rollback $(stage) $(json)

subscribe:  ## [STAGE=x] [JSON=1]: ask again those who are to get mails and have not confirmed, or have cancelled
	$(TOOLS)
	@$(INFRA) subscribe $(stage) $(json)

start:  ## [STAGE=x] [DATASET=name] [JSON=1]: start a run now, by an event
	$(TOOLS)
	@$(INFRA) start $(stage) $(dataset) $(json)

restore:  ## TIME=2020-10-25T17:00:00Z [STAGE=x] [DATASET=name] [YES=1] [JSON=1]: the stage's bucket and tables as they were then; asks
	@$(call need,TIME,make restore TIME=2020-10-25T17:00:00Z [STAGE=x])
	$(TOOLS)
	@$(INFRA) restore --time $(call quoted,$(TIME)) $(stage) $(dataset) $(if $(filter 1,$(YES)),--yes) $(json)

backfill:  ## FROM=place [DATASET=name] [STAGE=x] [UNTIL=time] [PATHS=feed=path] [JSON=1]: dated copies become runs, known from then
	@$(call need,FROM,make backfill FROM=dir [DATASET=name] [STAGE=x] [UNTIL=2020-10-25T17:00:00Z] [PATHS=feed=path])
	$(TESTS)
	@$(INFRA) backfill --from $(call quoted,$(FROM)) $(if $(DATASET),--dataset $(call quoted,$(DATASET))) $(stage) \
	$(if $(UNTIL),--until $(call quoted,$(UNTIL))) $(if $(PATHS),--paths $(call quoted,$(PATHS))) $(json)

bench:  ## [OUT=file] [ONLY=name,name]: the benchmark table, against the plain way and the floor
	$(TESTS)
	@.venv/bin/python -m tests.bench $(if $(OUT),--out $(call quoted,$(OUT))) $(if $(ONLY),--only $(call quoted,$(ONLY)))

lint:  ## ruff, mypy, and cfn-lint on every template as it is deployed
	$(TESTS)
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check --quiet . || { .venv/bin/ruff format --check .; exit 1; }
	@.venv/bin/mypy shared infra tests fetcher/chalicelib merger/chalicelib merger/spark_job notifier/chalicelib api/chalicelib api/client
	@for app in fetcher merger notifier api; do .venv/bin/mypy $$app/app.py || exit 1; done
	@$(INFRA) build
	@.venv/bin/cfn-lint infra/*.yaml .build/offline/dev/fetcher/sam.yaml .build/offline/dev/merger/sam.yaml \
	.build/offline/dev/notifier/sam.yaml .build/offline/dev/api/sam.yaml
	@echo "cfn-lint: no finding"

security:  ## checkov on templates and workflows, secrets in the tree; exceptions with reasons in infra/checkov.yml
	@$(PYTHON) infra/environments.py tools checkov
	@$(INFRA) build
	@.venv-checkov/bin/checkov --config-file infra/checkov.yml $(addprefix --file ,$(shell git ls-files) \
	$(addprefix .build/offline/dev/,fetcher/sam.yaml merger/sam.yaml notifier/sam.yaml api/sam.yaml))
	@echo "checkov: no finding"

format:  ## let ruff lay the code out and repair what it can
	$(TESTS)
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .

locks:  ## compile the lock files anew (UPGRADE=1: to the newest releases allowed)
	$(TOOLS)
	@$(PYTHON) infra/environments.py locks
	@sh infra/locks/compile.sh $(if $(filter 1,$(UPGRADE)),--upgrade)

environments:  ## make .venv and .venv-ministack, or bring them up to date
	$(TESTS)

clean:  ## remove what was built and installed
	rm -rf .build .venv .venv-* .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
