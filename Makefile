# Makefile - the front door: each target is one command on top of Meson (build directory: build) and tools/.
BUILD = build
SUITES = unit lint lab
ASAN_SUITES = unit lab
PREFIX = /usr/local
DESTDIR =
MESONFLAGS =
MINUTES = 60
SEED =

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD)

$(BUILD)/build.ninja: meson.build
	@command -v meson >/dev/null && command -v ninja >/dev/null && command -v pkg-config >/dev/null || { \
		echo "make: what the build needs is not installed; as root run: make deps" >&2; exit 1; }
	@meson setup $(BUILD) --prefix=$(PREFIX) $(MESONFLAGS) || { \
		rm -rf $(BUILD); \
		echo "make: if a library was not found above, as root run: make deps" >&2; exit 1; }

deps:
	@tools/deps.sh build

deps-test:
	@tools/deps.sh build test

test: deps-test
	@case ' $(SUITES) ' in *' vm '*) tools/deps.sh vm ;; esac
	@$(MAKE) --no-print-directory all
	@tests/run.sh $(SUITES)

# the lab again under Debian's own kernel (6.1), in a virtual machine without KVM; slow
test-vm: deps-test
	@tools/deps.sh vm
	@$(MAKE) --no-print-directory all
	@IOCAGE_VM_MIRROR=1 tests/vm/run.sh

# unit tests and lab suites with AddressSanitizer, LeakSanitizer and UndefinedBehaviorSanitizer in every program
test-asan: deps-test
	@[ -f build-asan/build.ninja ] || CC=clang meson setup build-asan -Db_sanitize=address,undefined -Db_lundef=false || { \
		rm -rf build-asan; exit 1; }
	@ninja -C build-asan
	@IOCAGE_BUILD=build-asan tests/run.sh $(ASAN_SUITES)

# the suites twice in a row while other programs of the machine mount, serve and make systems: they are not to see it
test-noise: deps-test
	@$(MAKE) --no-print-directory all
	@tests/noise.sh tests/run.sh $(ASAN_SUITES)
	@tests/noise.sh tests/run.sh $(ASAN_SUITES)

lint: deps-test
	@$(MAKE) --no-print-directory all
	@tools/lint.sh

bench: deps
	@tools/deps.sh bench
	@$(MAKE) --no-print-directory all
	@tests/bench/all.sh

# one hour of random operations with faults thrown in; the same again by its SEED
soak: deps-test
	@$(MAKE) --no-print-directory all
	@MINUTES='$(MINUTES)' SEED='$(SEED)' tests/lab/world.sh tests/soak.sh

install: all
	@meson configure $(BUILD) --prefix=$(PREFIX)
	@DESTDIR='$(DESTDIR)' meson install -C $(BUILD)

quickstart: deps
	@$(MAKE) --no-print-directory all
	@tools/quickstart.sh

quickstart-clean:
	@tools/quickstart-clean.sh

check-freebsd:
	@tools/check-freebsd.sh

fuzz:
	@tools/fuzz.sh

clean:
	@rm -rf $(BUILD) build-*

help:
	@echo "make                   build $(BUILD)/iocage"
	@echo "make quickstart        as root: install what the build needs, build, and run two jails on this machine"
	@echo "make quickstart-clean  as root: remove everything quickstart made"
	@echo "make test              as root: install what the tests need, run every suite"
	@echo "make test-asan         as root: unit and lab suites in a build with sanitizers (ASAN_SUITES='unit lab:vnet')"
	@echo "make test-noise         as root: unit and lab suites twice, beside other people's mounts, servers and containers"
	@echo "make lint              formatting, static analysis, layers, scripts, manual page"
	@echo "make bench             as root: measure beside other container tools"
	@echo "make install           PREFIX=/usr/local DESTDIR="
	@echo "make check-freebsd     compile the portable layers for FreeBSD"
	@echo "make soak              as root: random operations with faults thrown in (MINUTES=60 SEED=)"
	@echo "make fuzz              run the fuzzers (SECONDS_EACH=60)"
	@echo "make deps, deps-test, clean"

.PHONY: all deps deps-test test test-vm test-asan test-noise lint bench soak install quickstart quickstart-clean check-freebsd fuzz clean help
