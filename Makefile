# reel: recorder sink for audio over MQTT.
#
#   make          programs and library            make test     everything, with sanitizers
#   make demo     the whole thing, to watch       make run      a broker and a sink to play with
#   make deps     what it needs, through apt      make install  PREFIX=/usr/local DESTDIR=
#   make coverage   where the tests do not reach  V=1 shows commands, SAN=1 builds with sanitizers
#   make bench    ROWS="ingest query" ROUNDS=n PLOT=1 DIR=DIR: each figure against its opponent
#   make bench-sync bench-commit DIR=DIR: what a commit costs on the file system of DIR
#   make deb      Debian packages, in build/deb; REVISION=n: newer ones
#   make check-release   all tests, those that take long too, and the packages in a Debian of their own
#   make torture  STATE=DIR HOURS=n: one fault after the other; totals add up in STATE

VERSION := 0.1.0
PREFIX  ?= /usr/local
CFLAGS  ?= -O2 -g
BUILD   ?= build$(if $(SAN),/san)$(if $(COV),/cov)
PYTHON  ?= /usr/bin/python3
Q := $(if $(V),,@)

warnings := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes \
            -Wmissing-prototypes -Wformat=2 -Wundef -Wvla -Wcast-qual $(if $(CI),-Werror)
comma := ,
fuzzed   := -O1 -fsanitize=fuzzer-no-link$(comma)address$(comma)undefined -fno-sanitize-recover=all
sanitize := $(if $(FUZZ),$(fuzzed),$(if $(SAN),-O1 -fsanitize=address$(comma)undefined -fno-sanitize-recover=all -fno-omit-frame-pointer))
coverage := $(if $(COV),-O0 --coverage)
# Against what a stranger's bytes might do that slipped through. The C library's checks need a build
# that optimises, and mean nothing beside a sanitizer's.
fortify  := $(if $(SAN)$(FUZZ)$(COV),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
harden   := $(fortify) -fstack-protector-strong -fstack-clash-protection -fPIE
harden_link := -pie -Wl,-z,relro,-z,now,-z,noexecstack
pure_pkgs  := jansson msgpack
all_pkgs   := $(pure_pkgs) libmosquitto libssl sqlite3 sndfile nettle inih libsystemd libxxhash
# Without them only `deps` and what calls it can be made, so a missing one is no error here.
pkg_cflags := $(shell pkg-config --cflags $(all_pkgs) 2>/dev/null)
pure_libs   = $(shell pkg-config --libs $(pure_pkgs)) -lm
store_libs  = $(shell pkg-config --libs sqlite3 sndfile nettle)
io_libs     = $(shell pkg-config --libs libmosquitto libssl)
daemon_libs = $(shell pkg-config --libs inih libsystemd libxxhash)
cli_libs    = $(shell pkg-config --libs ncursesw)
test_libs   = $(shell pkg-config --libs cmocka)

compile := $(CC) -std=c17 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64 -DREEL_VERSION='"$(VERSION)"' -pthread \
           -Isrc -Iinclude -I$(BUILD) $(pkg_cflags) $(warnings) $(CPPFLAGS) $(CFLAGS) $(harden) $(sanitize) $(coverage)
link    := $(CC) -pthread $(CFLAGS) $(harden) $(harden_link) $(sanitize) $(coverage) $(LDFLAGS)

objects = $(patsubst src/%.c,$(BUILD)/obj/%.o,$(wildcard $(addprefix src/,$(addsuffix /*.c,$(1)))))
pure    := $(call objects,base wire core)
store   := $(call objects,store)
io      := $(call objects,io)
unit_tests  := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/test_*.c))
store_tests := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/store/test_*.c))
benches     := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/bench/bench_*.c))

# The manual, where there is something to make it with.
manual := $(if $(shell command -v scdoc),$(patsubst systemd/man/%.scd,$(BUILD)/man/%,$(wildcard systemd/man/*.scd)))

fuzz_targets := $(patsubst tests/fuzz/fuzz_%.c,$(BUILD)/%,$(wildcard tests/fuzz/fuzz_*.c))

.PHONY: all deps test check demo run fuzz torture bench bench-sync bench-commit deb check-release
.PHONY: install uninstall coverage clean
all: $(BUILD)/libreel.a $(BUILD)/reeld $(BUILD)/reel $(manual)

$(BUILD)/libreel.a: $(pure)
$(BUILD)/store.a: $(store)
$(BUILD)/io.a: $(io)
$(BUILD)/daemon.a: $(filter-out %/reeld.o,$(call objects,daemon))
$(BUILD)/%.a:
	@echo "  AR    $@"
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/reeld: $(call objects,daemon) $(BUILD)/io.a $(BUILD)/store.a $(BUILD)/libreel.a
	@echo "  LINK  $@"
	$(Q)$(link) -o $@ $^ $(daemon_libs) $(io_libs) $(store_libs) $(pure_libs)

$(BUILD)/reel: $(call objects,cli) $(BUILD)/io.a $(BUILD)/store.a $(BUILD)/libreel.a
	@echo "  LINK  $@"
	$(Q)$(link) -o $@ $^ $(cli_libs) $(io_libs) $(store_libs) $(pure_libs)

$(BUILD)/obj/%.o: src/%.c Makefile
	@mkdir -p $(@D)
	@echo "  CC    $<"
	$(Q)$(compile) -MMD -MP -c -o $@ $<

# The schema is compiled in, as the numbers of an array: a literal of its length is not ISO C.
$(BUILD)/obj/store/catalog_schema.o: $(patsubst %,$(BUILD)/gen/%_sql.inc,index index_1_to_2 index_2_to_3 index_3_to_4)
$(BUILD)/gen/%_sql.inc: schemas/%.sql
	@mkdir -p $(@D)
	@echo "  GEN   $@"
	$(Q)od -An -v -tu1 $< | sed 's/[0-9][0-9]*/&,/g' >$@

# scdoc begins paragraphs where nothing is in them, which mandoc warns of: those are left out.
paragraphs := /^\.P$$/ {held = 1; next} /^\.RE/ {print; last = $$0; next} \
    held && !/^\.S[HS]/ && last !~ /^\.(SH|SS|TH|RS)/ {print ".P"} {held = 0; print; last = $$0}
$(BUILD)/man/%: systemd/man/%.scd Makefile
	@mkdir -p $(@D)
	@echo "  MAN   $@"
	$(Q)SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$$(stat -c %Y $<)} scdoc <$< >$@.tmp
	$(Q)awk '$(paragraphs)' $@.tmp >$@ && rm $@.tmp

$(BUILD)/tests/%.o: tests/%.c Makefile
	@mkdir -p $(@D)
	@echo "  CC    $<"
	$(Q)$(compile) -MMD -MP -Itests -c -o $@ $<

# Unit tests link the pure library alone: an impurity is a link error.
$(unit_tests): %: %.o $(BUILD)/libreel.a
	@echo "  LINK  $@"
	$(Q)$(link) -o $@ $^ $(test_libs) $(pure_libs)

$(store_tests): %: %.o $(BUILD)/store.a $(BUILD)/libreel.a
	@echo "  LINK  $@"
	$(Q)$(link) -o $@ $^ $(test_libs) $(store_libs) $(pure_libs)

$(benches): %: %.o $(addprefix $(BUILD)/,daemon.a io.a store.a libreel.a)
	@echo "  LINK  $@"
	$(Q)$(link) -o $@ $^ $(daemon_libs) $(io_libs) $(store_libs) $(pure_libs)

# Loaded before the C library, whose calls it takes the place of under both their names.
shim := $(BUILD)/tests/torture/journal.so
$(shim): $(addprefix tests/torture/shim/,journal.c calls.c journal.h) Makefile
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	$(Q)$(CC) -std=c17 -D_GNU_SOURCE -pthread $(warnings) -O2 -g -fPIC -shared -o $@ $(filter %.c,$^)

.PHONY: test-programs unit-tests
unit-tests: $(unit_tests)
test-programs: $(unit_tests) $(store_tests) $(benches) $(shim)

# libFuzzer targets, under $(BUILD)/fuzz: the same tree once more, by clang.
.PHONY: fuzz-targets
fuzz:
	@$(MAKE) -s --no-print-directory CC=clang FUZZ=1 SAN= COV= BUILD=$(BUILD)/fuzz fuzz-targets

fuzz-targets: $(fuzz_targets)
$(if $(FUZZ),$(fuzz_targets)): $(BUILD)/%: $(BUILD)/tests/fuzz/fuzz_%.o $(BUILD)/libreel.a
	@echo "  LINK  $@"
	$(Q)$(link) -fsanitize=fuzzer -o $@ $^ $(test_libs) $(pure_libs)

# After `deps` make starts anew, because it asked pkg-config before the packages were there.
deps:
	@tests/tools/deps.sh build demo test coverage

demo run:
	@tests/tools/deps.sh build demo
	@$(MAKE) -s --no-print-directory $(if $(findstring -j,$(MAKEFLAGS)),,-j2) all
	@tests/tools/$@.py --build $(BUILD)

test check:
	@tests/tools/deps.sh build test
	@tests/run

torture:
	@tests/tools/deps.sh build test
	@$(MAKE) -s --no-print-directory $(if $(findstring -j,$(MAKEFLAGS)),,-j2) all $(BUILD)/tests/torture/journal.so
	@$(PYTHON) -B tests/torture/torture.py --build $(BUILD) $(if $(STATE),--state $(STATE)) $(if $(HOURS),--hours $(HOURS))

bench:
	@tests/tools/deps.sh build bench
	@$(MAKE) -s --no-print-directory $(if $(findstring -j,$(MAKEFLAGS)),,-j2) all $(benches)
	@tests/bench/bench.py --build $(BUILD) --out $(BUILD)/bench.json $(if $(DIR),--dir $(DIR)) \
	    $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(PLOT),--plot $(BUILD)/plots) $(ROWS)

bench-sync bench-commit: bench-%: $(BUILD)/tests/bench/bench_%
	@$< $(or $(DIR),.)

# The Debian packages, in $(BUILD)/deb; REVISION=n makes them newer than those without.
deb:
	@tests/tools/deps.sh build deb
	@systemd/debian/build.sh $(BUILD)/deb $(VERSION) $(REVISION)

check-release:
	@tests/tools/deps.sh build test release
	@tests/run --thorough
	@tests/release/run

coverage:
	@tests/tools/deps.sh build coverage
	@tests/tools/coverage.sh

# Where the packages of a distribution put what is below PREFIX here.
LIBDIR     ?= $(PREFIX)/lib
UNITDIR    ?= $(PREFIX)/lib/systemd/system
ZSHDIR     ?= $(PREFIX)/share/zsh/site-functions
SYSCONFDIR ?= $(if $(filter /usr /usr/local,$(PREFIX)),/etc,$(PREFIX)/etc)
shared   := $(wildcard $(addprefix systemd/,mosquitto-reel.conf reel.acl reeld.store.conf))
settings := $(wildcard systemd/reeld.conf)
dest   = $(DESTDIR)$(PREFIX)
libdir = $(DESTDIR)$(LIBDIR)
etc    = $(DESTDIR)$(SYSCONFDIR)/reel
bashdir = $(dest)/share/bash-completion/completions
manual_sections := 1 5 7 8
# Settings that are there are somebody's own, and stay.
install: all
	install -d $(dest)/bin $(dest)/include/reel $(libdir)/pkgconfig $(DESTDIR)$(UNITDIR) \
	    $(dest)/lib/sysusers.d $(dest)/lib/tmpfiles.d $(dest)/share/reel $(etc)/reeld.conf.d \
	    $(bashdir) $(DESTDIR)$(ZSHDIR) \
	    $(if $(manual),$(manual_sections:%=$(dest)/share/man/man%))
	install -m 755 $(BUILD)/reeld $(BUILD)/reel $(dest)/bin
	install -m 644 include/reel/*.h $(dest)/include/reel
	install -m 644 $(BUILD)/libreel.a $(libdir)
	printf '%s\n' 'Name: reel' 'Description: Recording audio over MQTT: fragments, topics, acknowledgements' \
	    'Version: $(VERSION)' 'Cflags: -I$(PREFIX)/include' 'Libs: -L$(LIBDIR) -lreel' \
	    'Libs.private: $(pure_libs)' >$(libdir)/pkgconfig/reel.pc
	sed 's|@PREFIX@|$(PREFIX)|' systemd/reeld.service >$(DESTDIR)$(UNITDIR)/reeld.service
	install -m 644 systemd/reeld.sysusers $(dest)/lib/sysusers.d/reeld.conf
	install -m 644 systemd/reeld.tmpfiles $(dest)/lib/tmpfiles.d/reeld.conf
	install -m 644 $(shared) $(dest)/share/reel
	[ -z "$(settings)" -o -e $(etc)/reeld.conf ] || \
	    install -m 644 $(settings) $(etc)/reeld.conf
	for name in reel reeld; do \
	    install -m 644 systemd/completions/$$name.bash $(bashdir)/$$name && \
	    install -m 644 systemd/completions/_$$name $(DESTDIR)$(ZSHDIR) || exit; \
	done
	for page in $(manual); do install -m 644 $$page $(dest)/share/man/man$${page##*.} || exit; done

uninstall:
	rm -f $(dest)/bin/reeld $(dest)/bin/reel $(libdir)/libreel.a $(libdir)/pkgconfig/reel.pc \
	    $(DESTDIR)$(UNITDIR)/reeld.service $(dest)/lib/sysusers.d/reeld.conf \
	    $(dest)/lib/tmpfiles.d/reeld.conf \
	    $(patsubst systemd/man/%.scd,$(dest)/share/man/man*/%,$(wildcard systemd/man/*.scd)) \
	    $(foreach name,reel reeld,$(bashdir)/$(name) $(DESTDIR)$(ZSHDIR)/_$(name))
	rm -rf $(dest)/include/reel $(dest)/share/reel

clean:
	rm -rf build

-include $(shell find $(BUILD) -type f -name '*.d' 2>/dev/null)
.SECONDARY:
