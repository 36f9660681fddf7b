# Strongroom. The targets that people use:
#	make		build the programs into build/release
#	make demo	install what is needed, build, run the main job on the embedded default, leave it running;
#			STACK=production: on MariaDB, Ceph RGW, OpenSearch and Redis
#	make check	install what is needed, build every variant, run every test
#	make check-fast	unit tests and the embedded end-to-end tests, release build only
#	make install	into $(DESTDIR)$(PREFIX); a configuration that is in /etc stays
#
# VARIANT chooses how to build: release, faults (named fault points, for tests), asan, tsan, clang, fuzz.

VARIANT  ?= release
BUILD    ?= build
B        := $(BUILD)/$(VARIANT)
PREFIX   ?= /usr/local
PYTHON   ?= /usr/bin/python3
VERSION  := 0.1.0

# Short lines unless V=1.
Q        := $(if $(V),,@)
SAY       = $(if $(V),,@echo '  $(1)	$(2)')

# ---- packages --------------------------------------------------------------------------------------------------------

PACKAGES_BUILD := gcc libc6-dev make pkg-config libarchive-dev libcjson-dev libcurl4-gnutls-dev libetpan-dev libgmime-3.0-dev \
	libgnutls28-dev libhiredis-dev libicu-dev libldap-dev \
	default-libmysqlclient-dev libinih-dev libjwt-dev libmicrohttpd-dev libmilter-dev liboath-dev libqrencode-dev libseccomp-dev libsodium-dev \
	libsqlite3-dev libssl-dev libsystemd-dev libxml2-dev nettle-dev zlib1g-dev
PACKAGES_DEMO  := ca-certificates openssl postfix python3
# the engines of `make demo STACK=production`, which are those of the tests as well
PACKAGES_ENGINES := ceph-common ceph-mon ceph-osd radosgw default-jdk-headless mariadb-client-core mariadb-server-core maven redis-server
PACKAGES_TEST  := clang libclang-rt-dev libcmocka-dev mandoc python3-pytest python3-pytest-xdist procps systemd dovecot-imapd dovecot-lmtpd fetchmail \
	m4 swaks haproxy ldap-utils prometheus slapd python3-pip python3-pymysql python3-yaml unzip

# ---- how to compile --------------------------------------------------------------------------------------------------

WARN := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
	-Wpointer-arith -Wvla -Wformat=2 -Wundef -Wwrite-strings -Werror
HARDEN := -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE
SANITIZE_address_undefined := -fsanitize=address,undefined -fno-sanitize-recover=all

CC_release := gcc
CC_faults  := gcc
CC_asan    := gcc
CC_tsan    := gcc
CC_clang   := clang
CC_fuzz    := clang
VARIANT_release := -O2 $(HARDEN)
VARIANT_faults  := -O1 -DSTRONGROOM_FAULTS
VARIANT_asan    := -O1 $(SANITIZE_address_undefined) -DSTRONGROOM_FAULTS
VARIANT_tsan    := -O1 -fsanitize=thread
VARIANT_clang   := -O2 $(HARDEN)
VARIANT_fuzz    := -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
LINK_release := -pie -Wl,-z,relro,-z,now
LINK_faults  :=
LINK_asan    := $(SANITIZE_address_undefined)
LINK_tsan    := -fsanitize=thread
LINK_clang   := -pie -Wl,-z,relro,-z,now
LINK_fuzz    := -fsanitize=address,undefined

COMPILER := $(CC_$(VARIANT))
CPPFLAGS += -D_GNU_SOURCE -DSTRONGROOM_VERSION='"$(VERSION)"' -Icommon -I.
CFLAGS   += -std=c17 -g -pthread $(WARN) $(VARIANT_$(VARIANT))
LDFLAGS  += -pthread $(LINK_$(VARIANT)) -Wl,--as-needed

PKGS     := gmime-3.0 lber ldap libarchive gnutls hiredis icu-uc icu-i18n libcjson libcrypto libcurl libjwt libmicrohttpd liboath \
	libqrencode libseccomp libsodium libssl libsystemd libxml-2.0 mysqlclient nettle sqlite3 zlib
ifneq ($(filter-out deps-build deps-demo deps-test clean demo demo-start demo-stop check check-fast,$(or $(MAKECMDGOALS),all)),)
CPPFLAGS += $(shell pkg-config --cflags $(PKGS))
LIBS     := $(shell pkg-config --libs $(PKGS)) -letpan -linih -lmilter
endif

# ---- what to build ---------------------------------------------------------------------------------------------------

LAYERS   := base sys conf mail store meta index ledger cache archive
PROGRAMS := strongroom-milter strongroom-lmtpd strongroom-queryd strongroom-workerd strongroom strongroom-parser
FOLDER_strongroom-milter  := milter
FOLDER_strongroom-lmtpd   := lmtpd
FOLDER_strongroom-queryd  := queryd
FOLDER_strongroom-workerd := workerd
FOLDER_strongroom         := cli
FOLDER_strongroom-parser  := parser

objects  = $(patsubst %.c,$(B)/obj/%.o,$(wildcard $(1)/*.c))
library  = $(B)/lib/lib$(1).a

# What each layer may link to: the layers below it (the includes are checked by tests/tools/layers).
UPTO_base    := base
UPTO_sys     := sys base
UPTO_conf    := conf sys base
UPTO_mail    := mail conf sys base
UPTO_store   := store $(UPTO_mail)
UPTO_meta    := meta ledger $(UPTO_mail)
UPTO_index   := index $(UPTO_mail)
UPTO_ledger  := ledger $(UPTO_mail)
UPTO_cache   := cache conf sys base
UPTO_archive := archive store meta index ledger cache $(UPTO_mail)
libs_of      = $(foreach l,$(1),$(call library,$(l)))

UPTO_milter  := $(UPTO_archive)
UPTO_lmtpd   := $(UPTO_archive)
UPTO_workerd := $(UPTO_archive)
UPTO_cli     := $(UPTO_archive)
UPTO_queryd  := store meta index ledger cache $(UPTO_mail)
UPTO_parser  := mail conf sys base

all: programs
programs: $(PROGRAMS:%=$(B)/%)

define layer_rule
$(call library,$(1)): $(call objects,common/$(1))
	@mkdir -p $$(@D)
	@rm -f $$@
	$(Q)ar rcs $$@ $$^
endef
$(foreach l,$(LAYERS),$(eval $(call layer_rule,$(l))))

define program_rule
$(B)/$(1): $(call objects,$(FOLDER_$(1))) $(call libs_of,$(UPTO_$(FOLDER_$(1))))
	$(Q)$$(COMPILER) $$(CFLAGS) -o $$@ $(call objects,$(FOLDER_$(1))) \
		-Wl,--start-group $(call libs_of,$(UPTO_$(FOLDER_$(1)))) -Wl,--end-group $$(LDFLAGS) $$(LIBS)
endef
$(foreach p,$(PROGRAMS),$(eval $(call program_rule,$(p))))

# Texts that are compiled in, each as one string literal: the migrations of schema/ (see common/meta/schema.c), the template of
# the indices (common/index/index_es_schema.c), passwords that nobody may have (common/sys/password_rules.c) and the
# description of the HTTP interface (queryd/openapi.c).
AS_LITERAL = sed -e 's/[\\"]/\\&/g' -e 's/.*/"&\\n"/' $< > $@
$(B)/gen/schema/%.inc: schema/%.sql
	@mkdir -p $(@D)
	$(Q)$(AS_LITERAL)
$(B)/gen/schema/elasticsearch/%.inc: schema/elasticsearch/%.json
	@mkdir -p $(@D)
	$(Q)$(AS_LITERAL)
$(B)/gen/queryd/openapi.inc: $(wildcard queryd/openapi/*.json)
	@mkdir -p $(@D)
	$(Q)for part in $^; do sed -e 's/[\\"]/\\&/g' -e 's/.*/"&\\n"/' -e '$$s/$$/,/' $$part; done > $@
$(B)/obj/queryd/openapi.o: CPPFLAGS += -I$(B)/gen
$(B)/obj/queryd/openapi.o: $(B)/gen/queryd/openapi.inc
$(B)/obj/common/index/index_es_schema.o: CPPFLAGS += -I$(B)/gen
$(B)/obj/common/index/index_es_schema.o: $(B)/gen/schema/elasticsearch/emails.inc
$(B)/gen/etc/password-deny.inc: etc/password-deny
	@mkdir -p $(@D)
	$(Q)$(AS_LITERAL)
$(B)/obj/common/sys/password_rules.o: CPPFLAGS += -I$(B)/gen
$(B)/obj/common/sys/password_rules.o: $(B)/gen/etc/password-deny.inc
$(B)/obj/common/meta/schema.o: CPPFLAGS += -I$(B)/gen
$(B)/obj/common/meta/schema.o: $(patsubst %.sql,$(B)/gen/%.inc,$(wildcard schema/*.sql))

# The one place where the prefix is compiled in: built anew when it is another than last time.
$(B)/gen/prefix: FORCE
	@mkdir -p $(@D)
	@[ "$$(cat $@ 2>/dev/null)" = '$(PREFIX)' ] || echo '$(PREFIX)' >$@
$(B)/obj/common/conf/conf_table.o: CPPFLAGS += -DSTRONGROOM_LIBEXEC='"$(PREFIX)/libexec/strongroom"'
$(B)/obj/common/conf/conf_table.o: $(B)/gen/prefix

$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call SAY,cc,$<)
	$(Q)$(COMPILER) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# ---- unit tests: tests/unit/<folder>/test_<name>.c, linked with what that folder may see -------------------------------

UNIT_TESTS := $(patsubst %.c,$(B)/%,$(wildcard tests/unit/*/test_*.c))
unit_folder = $(word 3,$(subst /, ,$(1)))
unit_program = $(if $(filter $(LAYERS),$(1)),,$(filter-out %/main.o,$(call objects,$(1))))

define unit_rule
$(B)/$(1:.c=): $(B)/obj/$(1:.c=.o) $(call unit_program,$(call unit_folder,$(1))) \
		$(call libs_of,$(UPTO_$(call unit_folder,$(1))))
	@mkdir -p $$(@D)
	$(Q)$$(COMPILER) $$(CFLAGS) -o $$@ $$(filter %.o,$$^) \
		-Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group $$(LDFLAGS) $$(LIBS) -lcmocka
endef
$(foreach t,$(wildcard tests/unit/*/test_*.c),$(eval $(call unit_rule,$(t))))

unit-tests: $(UNIT_TESTS)

# ---- fuzz targets: tests/fuzz/fuzz_<name>.c (VARIANT=fuzz); FUZZ_<name> names the folder whose objects it needs ----------

FUZZ_TARGETS := $(patsubst %.c,$(B)/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_http_path    := queryd
FUZZ_ingest_body  := queryd
FUZZ_token        := queryd
FUZZ_cursor       := queryd
FUZZ_body         := queryd
FUZZ_oidc         := queryd
FUZZ_lmtp_command := lmtpd
FUZZ_mime         := parser

define fuzz_rule
$(B)/$(1:.c=): $(B)/obj/$(1:.c=.o) $(if $(FUZZ_$(2)),$(filter-out %/main.o,$(call objects,$(FUZZ_$(2))))) \
		$(call libs_of,$(UPTO_archive))
	@mkdir -p $$(@D)
	$(Q)$$(COMPILER) $$(CFLAGS) -fsanitize=fuzzer -o $$@ $$(filter %.o,$$^) \
		-Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group $$(LDFLAGS) $$(LIBS)
endef
$(foreach t,$(wildcard tests/fuzz/fuzz_*.c),$(eval $(call fuzz_rule,$(t),$(patsubst tests/fuzz/fuzz_%.c,%,$(t)))))

fuzz-targets: $(FUZZ_TARGETS)

# ---- benchmarks: tests/bench/<name>.c, linked with all layers; BENCH_<name> names the folder of a program besides -----------

BENCHES := $(patsubst %.c,$(B)/%,$(wildcard tests/bench/*.c))

BENCH_export_memory := workerd

define bench_rule
$(B)/$(1:.c=): $(B)/obj/$(1:.c=.o) $(if $(BENCH_$(2)),$(filter-out %/main.o,$(call objects,$(BENCH_$(2))))) \
		$(call libs_of,$(UPTO_archive))
	@mkdir -p $$(@D)
	$(Q)$$(COMPILER) $$(CFLAGS) -o $$@ $$(filter %.o,$$^) \
		-Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group $$(LDFLAGS) $$(LIBS)
endef
$(foreach t,$(wildcard tests/bench/*.c),$(eval $(call bench_rule,$(t),$(patsubst tests/bench/%.c,%,$(t)))))

benches: $(BENCHES)

# ---- the commands of the README --------------------------------------------------------------------------------------

deps-build:
	@tests/tools/packages $(PACKAGES_BUILD)
deps-demo:
	@tests/tools/packages $(PACKAGES_BUILD) $(PACKAGES_DEMO) $(if $(filter production,$(STACK)),$(PACKAGES_ENGINES))
deps-test:
	@tests/tools/packages $(PACKAGES_BUILD) $(PACKAGES_DEMO) $(PACKAGES_ENGINES) $(PACKAGES_TEST)

demo:
	@[ "$$(id -u)" = 0 ] || { echo 'make demo: run it as root: it starts a Postfix, which root alone can do' >&2; exit 1; }
	@[ ! -e build/demo/state.json ] || $(PYTHON) tests/demo/demo fits $(STACK)
	@$(MAKE) --no-print-directory deps-demo STACK=$(STACK)
	@$(MAKE) --no-print-directory -j$$(nproc) programs
	@$(PYTHON) tests/demo/demo start $(STACK)
demo-start:
	@$(PYTHON) tests/demo/demo start $(STACK)
demo-stop:
	@$(PYTHON) tests/demo/demo stop

check: deps-test
	@$(PYTHON) tests/run all
check-fast: deps-test
	@$(PYTHON) tests/run fast

# ---- installation: make install [PREFIX=/usr] [DESTDIR=…] ------------------------------------------------------------------

SBIN := strongroom-milter strongroom-lmtpd strongroom-queryd strongroom-workerd
ROOT  = $(DESTDIR)$(PREFIX)
DOC   = $(ROOT)/share/doc/strongroom
CONF  = $(DESTDIR)/etc/strongroom/strongroom.conf

# Texts name the places of the default prefix: $(1) as file $(2), with those of the one that was chosen.
INSTALL_TEXT = sed 's|/usr/local|$(PREFIX)|g' $(1) >$(2) && chmod 0644 $(2)

install: programs
	install -d $(ROOT)/sbin $(ROOT)/bin $(ROOT)/libexec/strongroom $(ROOT)/lib/systemd/system $(ROOT)/lib/sysusers.d \
		$(DOC)/postfix $(DOC)/sendmail $(DOC)/prometheus $(DOC)/grafana $(foreach s,1 5 7 8,$(ROOT)/share/man/man$(s)) $(dir $(CONF))
	install -m 0755 $(SBIN:%=$(B)/%) $(ROOT)/sbin
	install -m 0755 $(B)/strongroom $(ROOT)/bin
	install -m 0755 $(B)/strongroom-parser $(ROOT)/libexec/strongroom
	@set -e; for page in man/*; do $(call INSTALL_TEXT,$$page,$(ROOT)/share/man/man$${page##*.}/$${page##*/}); done
	@set -e; for unit in etc/systemd/*; do $(call INSTALL_TEXT,$$unit,$(ROOT)/lib/systemd/system/$${unit##*/}); done
	install -m 0644 etc/sysusers.d/strongroom.conf $(ROOT)/lib/sysusers.d
	install -m 0644 README.md schema/grants.mysql.sql $(DOC)
	install -m 0644 etc/postfix/* $(DOC)/postfix
	install -m 0644 etc/sendmail/* $(DOC)/sendmail
	install -m 0644 etc/prometheus/* $(DOC)/prometheus
	install -m 0644 etc/grafana/* $(DOC)/grafana
	@$(call INSTALL_TEXT,etc/strongroom.conf,$(DOC)/strongroom.conf)
	[ -e $(CONF) ] || install -m 0644 $(DOC)/strongroom.conf $(CONF)

clean:
	rm -rf $(BUILD)/release $(BUILD)/faults $(BUILD)/asan $(BUILD)/tsan $(BUILD)/clang $(BUILD)/fuzz

.PHONY: all programs unit-tests fuzz-targets benches deps-build deps-demo deps-test demo demo-start demo-stop check \
	check-fast install clean FORCE

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)
