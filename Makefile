# Thin on purpose: each recipe is one line into scripts/, which can be read and run by hand.
PREFIX ?= /usr/local
DESTDIR ?=

.PHONY: all build demo test test-hosts soak fuzz bench install uninstall tarball deb clean

all: build

# dist/, laid out as it installs
build:
	@scripts/set-up build
	@scripts/build

demo: build
	@scripts/set-up demo
	@scripts/demo

test:
	@scripts/set-up test
	@scripts/test

# Suites that nobody here wrote, whole; docs/hosts.md
test-hosts: build
	@scripts/set-up hosts
	@scripts/test-hosts

# SOAK_SECONDS=600
soak: build
	@scripts/set-up test
	@scripts/soak

# FUZZ_SECONDS=300 for each target
fuzz:
	@scripts/set-up build
	@scripts/fuzz
	@scripts/interleavings 3
	@scripts/interleavings --threads

bench: build
	@scripts/set-up bench
	@Benchmarks/run.sh --document docs/performance.md

install: build
	@scripts/install "$(PREFIX)" "$(DESTDIR)"

uninstall:
	@scripts/uninstall "$(PREFIX)" "$(DESTDIR)"

# packages/
tarball: build
	@scripts/package tarball

deb: build
	@scripts/set-up deb
	@scripts/package deb

clean:
	@rm -rf .build .build-embedded .build-fuzz .build-release dist packages
