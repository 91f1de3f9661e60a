# SPDX-License-Identifier: Apache-2.0
#
# The short commands; meson.build has the build itself, dist/packages what it needs.
#
#   make            a release, runnable from build/
#   make install    it, below DESTDIR and PREFIX
#   make demo       a container of a Debian base image made on this machine
#   make check      all tests under ASan and UBSan; the last line is "N passed, N failed"
#   make check-vm   what containers take from the kernel, under Debian's in QEMU
#   make lint       only the tests of the source text
#   make format     lay out all C files as .clang-format says
#   make fuzz       each parser's fuzzer for FUZZ_SECONDS
#   make bench      the time of a start, next to its floor and to other engines
#   make clean

PREFIX ?= /usr/local
DESTDIR ?=
FUZZ_SECONDS ?= 30
CHECK_ARGUMENTS ?=

SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c

# Debian's; another python3 in front of it in PATH may lack the packages.
PYTHON = /usr/bin/python3

# $(error) instead of a recipe that fails: exactly one line reaches whoever is missing something.
need = $(eval missing := $(shell dist/install-packages $(1)))$(if $(missing),$(error $(missing)))

# $(call configure,DIRECTORY,ARGUMENT...): meson is silent unless it fails.
configure = @mkdir -p $(1) && { meson setup $(2) $(1) >$(1)/setup.log 2>&1 || \
	{ cat $(1)/setup.log >&2; exit 1; }; }

# $(call ninja,DIRECTORY,TARGET...): silent but for what compilers say.
ninja = ninja --quiet -C $(1) $(2) | sed '/^ninja: no work to do/d'

.NOTPARALLEL:
.PHONY: all install demo check check-vm lint format fuzz bench clean packages

all: build/build.ninja
	@$(call ninja,build)

packages:
	$(call need,build)

build/build.ninja: | packages
	$(call configure,build,--buildtype=release -Doptimization=2 -Dstatic=true -Dprefix=$(PREFIX))

build-check/build.ninja: | packages
	$(call configure,build-check,-Db_sanitize=address$(comma)undefined -Dtests=true --werror)

build-vm/programs/build.ninja: | packages
	$(call configure,build-vm/programs,-Dtests=true --werror)

build-fuzz/build.ninja: export CC = clang
build-fuzz/build.ninja: | packages
	$(call configure,build-fuzz,-Db_sanitize=address$(comma)undefined -Dfuzz=true)

comma := ,

install: all
	@meson configure build -Dprefix=$(PREFIX) && $(call ninja,build)
	@DESTDIR='$(DESTDIR)' meson install -C build --no-rebuild --quiet

demo:
	$(call need,build demo)
	@$(MAKE) --no-print-directory all
	@dist/demo build

check:
	$(call need,build test fuzz vm)
	@$(MAKE) --no-print-directory all build-check/build.ninja build-fuzz/build.ninja \
		build-vm/programs/build.ninja
	@$(call ninja,build-check)
	@$(call ninja,build-fuzz,fuzzers)
	@$(call ninja,build-vm/programs,guest-core)
	@$(PYTHON) tests/run --build build-check --release build --fuzzers build-fuzz \
		--guests build-vm/programs $(CHECK_ARGUMENTS)

check-vm:
	$(call need,build test vm)
	@$(MAKE) --no-print-directory build-vm/programs/build.ninja
	@$(call ninja,build-vm/programs)
	@$(PYTHON) tests/vm/lanes.py --build build-vm/programs all

lint:
	$(call need,test)
	@$(PYTHON) -m pytest -q -p no:cacheprovider tests/lint

format:
	$(call need,format)
	@find src tests fuzz bench -name '*.[ch]' -exec clang-format-14 -i {} +

fuzz:
	$(call need,build fuzz)
	@$(MAKE) --no-print-directory build-fuzz/build.ninja
	@$(call ninja,build-fuzz,fuzzers)
	@fuzz/run build-fuzz $(FUZZ_SECONDS)

bench: all
	@$(call ninja,build,bench/floor bench/time-command)
	@bench/start build

clean:
	rm -rf build build-check build-fuzz build-vm
