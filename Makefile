# What the targets need beside Go: race and soak a C compiler, interop the servers
# that are installed (interop-deps installs them), vuln the network.

SHELL := bash -o pipefail
MODULES := $(patsubst %/go.mod,%,$(shell find . -name go.mod -not -path '*/testdata/*'))
FUZZTIME ?= 30s
PARALLEL ?= 1
DURATION ?= 5m
# Runs a command in every module, all of them even if one fails.
each = (bad=0; for m in $(MODULES); do echo "== $$m: $(1)"; (cd $$m && $(1)) || bad=1; done; exit $$bad)

.PHONY: demo test features api race lint vet-all cover fuzz bench load soak interop interop-deps tidy htx vuln rename release-check release-htx

demo: ## the main job against a server of its own
	@cd httpx/cmd/htx && go run . demo

test: ## all modules
	@$(call each,go test -timeout 20m ./...)

features: ## all tests, and rows of httpx/FEATURES.md without a passing one; RACE=1 for the race detector, WRITE=1 to fill in the column of tests
	@cd tools && go build -o ../bin/features ./features
	@$(if $(RACE),CGO_ENABLED=1) bin/features $(if $(RACE),-race) $(if $(WRITE),-write) $(MODULES)

api: ## the public API against api.txt, and that all of it has comments; WRITE=1 writes the file
	@cd tools && go build -o ../bin/api ./api
	@bin/api $(if $(WRITE),-write)

race: ## all tests under the race detector (needs a C compiler)
	@$(call each,CGO_ENABLED=1 go test -race -timeout 30m ./...)

lint: ## gofumpt, go mod tidy, vet and staticcheck, whose versions tools/go.mod pins
	@cd tools && go build -o ../bin/ mvdan.cc/gofumpt honnef.co/go/tools/cmd/staticcheck
	@out=$$(bin/gofumpt -l .); test -z "$$out" || { echo "gofumpt would change (bin/gofumpt -w .):"; echo "$$out"; exit 1; }
	@$(call each,go mod tidy -diff && go vet ./... && $(CURDIR)/bin/staticcheck ./...)

vet-all: ## vet for three platforms
	@for os in linux darwin windows; do export GOOS=$$os; echo "GOOS=$$os"; $(call each,go vet ./...) || exit 1; done

cover: ## statement coverage of the library
	@go test -coverprofile=cover.out ./... && go tool cover -func=cover.out | tail -n 1

fuzz: ## every fuzz target for FUZZTIME, PARALLEL of them at once; TARGETS=regexp for some
	@FUZZTIME=$(FUZZTIME) PARALLEL=$(PARALLEL) TARGETS='$(TARGETS)' .ci/fuzz

bench: ## ours beside net/http and fasthttp: the short table and bench/report.html; FULL=1 for all scenarios; ARGS in their place; see bench/README.md
	@cd bench && go build -o $(CURDIR)/bin/bench ./cmd/bench
	@cd bench && $(CURDIR)/bin/bench $(if $(ARGS),-out "" $(ARGS),$(if $(FULL),-scenario all -out results -markdown report.md,-scenario short -slice 150ms -out "") -html report.html)

load: ## builds bin/load, the load generator, and runs it with ARGS if there are any; see bench/README.md
	@cd bench && go build -o $(CURDIR)/bin/load ./load
	@$(if $(ARGS),bin/load $(ARGS))

soak: ## the client in a bad world for DURATION under the race detector; SEED=n for the same choices, ARGS for -concurrency and -rate
	@go build -o bin/soak ./internal/soak
	@CGO_ENABLED=1 go run -race ./internal/soak -servers $(CURDIR)/bin/soak -duration $(DURATION) $(if $(SEED),-seed $(SEED)) $(ARGS)

interop: ## against installed servers; in CI a missing one is a failure
	@cd bench && INTEROP_REQUIRED=$(CI) go test -count=1 -v ./interop | grep -Ev '^ *(--- PASS|=== )'

interop-deps: ## the servers, by apt
	@.ci/interop-deps

tidy:
	@$(call each,go mod tidy)

htx: ## builds bin/htx
	@cd httpx/cmd/htx && go build -o $(CURDIR)/bin/htx .

vuln: ## known vulnerabilities; asks the Go vulnerability database
	@cd tools && go build -o ../bin/govulncheck golang.org/x/vuln/cmd/govulncheck
	@$(call each,$(CURDIR)/bin/govulncheck ./...)

rename: ## MODULE=example.org/x: another import path, for whoever publishes elsewhere
	@.ci/rename "$(MODULE)"

release-check: ## what a release does, on a copy of HEAD, up to "go install" of htx; see CONTRIBUTING.md
	@cd tools && go run ./release check

release-htx: ## VERSION=v1.2.3: httpx/cmd/htx/go.mod requires that release of the library
	@cd tools && go run ./release htx "$(VERSION)"
