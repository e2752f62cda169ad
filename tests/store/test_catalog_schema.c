/* The catalog's file: its versions, what is refused, what a failing disk and a crash leave. */
#include "store/fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/catalog_internal.h"
#include "store/disk.h"

static const struct reel_format speech = {16000, 1, 2, REEL_PCM};

static enum reel_code try_open(const char *folder, enum reel_catalog_mode mode,
                               const struct reel_catalog_schema *schema, struct reel_error *error)
{
    struct reel_catalog *catalog = NULL;
    char path[PATH_BYTES];
    enum reel_code code =
        reel_catalog_open_as(path_in(folder, "catalog.db", path), mode, schema, &catalog, error);

    if (code != REEL_OK)
        assert_null(catalog);
    reel_catalog_close(catalog);
    return code;
}

static struct reel_catalog *open_as(const char *folder, const struct reel_catalog_schema *schema)
{
    struct reel_catalog *catalog = NULL;
    char path[PATH_BYTES];

    assert_ok(reel_catalog_open_as(path_in(folder, "catalog.db", path), REEL_CATALOG_WRITE, schema,
                                   &catalog, err));
    return catalog;
}

static struct reel_catalog *open_in(const char *folder)
{
    return open_as(folder, &reel_catalog_schema_now);
}

static int64_t ask(struct reel_catalog *catalog, const char *sql)
{
    struct reel_statement statement;
    int64_t value = 0;

    reel_statement_start(&statement, catalog, REEL_STATEMENT_ONCE, sql);
    assert_true(reel_statement_next(&statement));
    value = reel_take_i64(&statement);
    assert_ok(reel_statement_end(&statement, "asking", err));
    return value;
}

static void run(struct reel_catalog *catalog, const char *sql)
{
    assert_ok(reel_catalog_run(catalog, sql, "changing it by hand", err));
}

static void test_settings(void **state)
{
    struct reel_catalog *catalog = open_in(*state);

    assert_int_equal(ask(catalog, "PRAGMA synchronous"), 2); /* FULL */
    assert_int_equal(ask(catalog, "PRAGMA foreign_keys"), 1);
    assert_int_equal(ask(catalog, "PRAGMA application_id"), 0x7265656C); /* "reel" */
    assert_int_equal(ask(catalog, "PRAGMA user_version"), 4);
    assert_int_equal(
        ask(catalog, "SELECT count(*) FROM pragma_journal_mode WHERE journal_mode = 'wal'"), 1);
    reel_catalog_close(catalog);
}

static void test_store_id(void **state)
{
    struct reel_catalog *catalog = open_in(*state);
    uint64_t first, again;

    assert_ok(reel_catalog_store_id(catalog, &first, err));
    reel_catalog_close(catalog);
    catalog = open_in(*state);
    assert_ok(reel_catalog_store_id(catalog, &again, err));
    assert_int_equal(first, again);
    assert_ok(reel_catalog_set_store_id(catalog, UINT64_MAX - 1, err));
    assert_ok(reel_catalog_store_id(catalog, &again, err));
    assert_true(again == UINT64_MAX - 1);
    reel_catalog_close(catalog);
}

static void save_with_names(struct reel_catalog *catalog, unsigned i)
{
    static const uint8_t sample_bytes[] = {2, 4, 1, 1};
    struct reel_format format = {16000, 1, sample_bytes[i % 4], (enum reel_encoding)(i % 4)};
    struct reel_recording recording;
    char session[REEL_NAME_BYTES];

    snprintf(session, sizeof session, "%u", i);
    reel_recording_init(&recording, "mic1", session, &format, 0);
    recording.state = (enum reel_state)(i % 2);
    recording.end_reason = (enum reel_end_reason)i;
    recording.candidate.kind = (enum reel_candidate_kind)(i % 3);
    for (unsigned reason = 0; reason <= REEL_STRETCH_UNKNOWN; reason++) {
        struct reel_stretch *stretch = reel_recording_add_stretch(&recording);

        stretch->reason = (enum reel_stretch_reason)reason;
        for (unsigned kind = 0; kind <= REEL_RUN_FORGOTTEN; kind++)
            reel_stretch_add_run(stretch)->kind = (enum reel_run_kind)kind;
    }
    assert_ok(reel_catalog_save(catalog, &recording, err));
    reel_recording_finish(&recording);
}

/* Other programs may read the catalog: each word stands for what the schema says it does. */
static void test_words(void **state)
{
    struct reel_catalog *catalog = open_in(*state);

    for (unsigned i = 0; i < REEL_END_COUNT; i++)
        save_with_names(catalog, i);
    assert_int_equal(
        ask(catalog, "SELECT count(*) FROM recording WHERE (session, encoding, state, end_reason,"
                     " candidate) IN (VALUES ('1', 'float', 'complete', 'end', 'jump'),"
                     " ('2', 'alaw', 'recording', 'idle', 'conflict'))"),
        2);
    assert_int_equal(
        ask(catalog, "SELECT count(*) FROM recording WHERE (session, encoding, state, end_reason)"
                     " IN (VALUES ('3', 'ulaw', 'complete', 'upload'),"
                     " ('4', 'pcm', 'recording', 'limit'))"),
        2);
    assert_int_equal(
        ask(catalog, "SELECT count(*) FROM stretch WHERE recording = 1 AND (position, reason) IN"
                     " (VALUES (0, 'first'), (1, 'numbers'), (2, 'boot'), (3, 'restart'),"
                     " (4, 'jump'), (5, 'unknown'))"),
        6);
    assert_int_equal(ask(catalog,
                         "SELECT count(*) FROM run WHERE recording = 1 AND stretch = 0 AND"
                         " (position, kind) IN (VALUES (0, 'stored'), (1, 'gap'), (2, 'inferred'),"
                         " (3, 'forgotten'))"),
                     4);
    reel_catalog_close(catalog);
}

static const char version_1[] = "PRAGMA application_id = 1919247724;"
                                "CREATE TABLE thing (name TEXT);";
static const char to_version_2[] = "ALTER TABLE thing ADD COLUMN size INTEGER;"
                                   "UPDATE thing SET size = length(name);";
static const char to_version_3[] = "CREATE INDEX thing_size ON thing (size);";
static const char *const steps[] = {to_version_2, to_version_3};
static const char *const broken_steps[] = {to_version_2,
                                           "CREATE TABLE half (a); INSERT INTO none VALUES (1);"};

static void test_migrations(void **state)
{
    const struct reel_catalog_schema first = {1, version_1, NULL};
    const struct reel_catalog_schema third = {3, "never run on a file that has a version", steps};
    struct reel_catalog *catalog = open_as(*state, &first);
    struct reel_error error;

    run(catalog, "INSERT INTO thing VALUES ('four')");
    reel_catalog_close(catalog);
    assert_int_equal(try_open(*state, REEL_CATALOG_READ, &third, &error), REEL_E_STALLED);

    for (unsigned i = 0; i < 2; i++) { /* the second time there is nothing left to do */
        catalog = open_as(*state, &third);
        assert_int_equal(ask(catalog, "PRAGMA user_version"), 3);
        assert_int_equal(ask(catalog, "SELECT size FROM thing"), 4);
        assert_int_equal(
            ask(catalog, "SELECT count(*) FROM sqlite_schema WHERE name = 'thing_size'"), 1);
        reel_catalog_close(catalog);
    }
    assert_int_equal(try_open(*state, REEL_CATALOG_READ, &third, &error), REEL_OK);
}

/* A step that fails leaves the version before it, whole; the one before has been made. */
static void test_broken_migration(void **state)
{
    const struct reel_catalog_schema first = {1, version_1, NULL};
    const struct reel_catalog_schema second = {2, NULL, steps};
    const struct reel_catalog_schema broken = {3, NULL, broken_steps};
    struct reel_error error;
    struct reel_catalog *catalog;

    reel_catalog_close(open_as(*state, &first));
    assert_int_equal(try_open(*state, REEL_CATALOG_WRITE, &broken, &error), REEL_E_INTERNAL);
    catalog = open_as(*state, &second);
    assert_int_equal(ask(catalog, "SELECT count(*) FROM sqlite_schema WHERE name = 'half'"), 0);
    assert_int_equal(ask(catalog, "SELECT count(size) FROM thing"), 0);
    reel_catalog_close(catalog);
}

/* The objects of a catalog as one text: of tables the columns, whatever their order, since a step
 * can only add them at the end. */
static char *objects_of(struct reel_catalog *catalog)
{
    static const char sql[] =
        "SELECT group_concat(type || ' ' || name || ': ' || CASE type WHEN 'table' THEN"
        " (SELECT group_concat(said) FROM (SELECT name || ' ' || type || \"notnull\" || pk AS said"
        "  FROM pragma_table_info(o.name) ORDER BY name)) ELSE sql END, char(10)) FROM"
        " (SELECT * FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY type, name) AS o";
    struct reel_statement statement;
    char *text;

    reel_statement_start(&statement, catalog, REEL_STATEMENT_ONCE, sql);
    assert_true(reel_statement_next(&statement));
    text = strdup(reel_take_text_if(&statement));
    assert_non_null(text);
    assert_ok(reel_statement_end(&statement, "asking", err));
    return text;
}

#define OLD_COLUMNS                                                                                \
    "id, device, session, rate, channels, sample_bytes, encoding, state, started_us, kept,"        \
    " frames, duration_s, rewrites, updated_us, fragments, duplicates, rejected, gap_frames,"      \
    " boot, boot_is_uint, tags"

/* A catalog as an earlier schema made it, with three recordings. */
static void make_old(const char *folder, const char *path, unsigned version)
{
    static const char rows[] =
        "INSERT INTO recording (" OLD_COLUMNS ") VALUES"
        " (1, 'mic1', 's1', 16000, 1, 1, 'pcm', 'complete', 5, 0, 75, 0, 0, 1, 1, 0, 0, 0, '', 0,"
        "  '{\"site\":\"roof\",\"gain\":3}'),"
        " (2, 'mic1', 's2', 16000, 2, 2, 'pcm', 'complete', 1, 0, 10, 0, 0, 1, 1, 0, 0, 0, '', 0,"
        "  NULL),"
        " (3, 'mic2', 's1', 16000, 2, 2, 'pcm', 'recording', 1, 0, 9, 0, 0, 1, 1, 0, 0, 0, '', 0,"
        "  '{\"site\":\"roof\"}')";
    struct reel_catalog *catalog;
    size_t bytes;
    char *sql;

    assert_ok(reel_disk_load(AT_FDCWD, path, 1 << 20, &sql, &bytes, err));
    const struct reel_catalog_schema old = {version, sql, NULL};
    catalog = open_as(folder, &old);
    run(catalog, rows);
    reel_catalog_close(catalog);
    free(sql);
}

/* One that an earlier schema made becomes what the schema of now makes. */
static void check_step_from(void **state, const char *path, unsigned version)
{
    struct reel_catalog *catalog;
    char *migrated, *made;

    make_old(*state, path, version);
    catalog = open_in(*state);
    assert_int_equal(ask(catalog, "PRAGMA user_version"), 4);
    assert_int_equal(ask(catalog, "SELECT count(*) FROM recording WHERE part = 1"), 3);
    assert_int_equal(ask(catalog, "SELECT bytes FROM usage WHERE device = 'mic1'"),
                     1024 + 76 + 1024 + 40);
    assert_int_equal(ask(catalog, "SELECT recordings FROM usage WHERE device = ''"), 2);
    assert_int_equal(ask(catalog, "SELECT count(*) FROM tag"), 3);
    assert_int_equal(ask(catalog, "SELECT recording FROM tag WHERE name = 'gain' AND value = 3"),
                     1);
    migrated = objects_of(catalog);
    reel_catalog_close(catalog);
    assert_int_equal(unlinkat(AT_FDCWD, path_in(*state, "catalog.db", (char[PATH_BYTES]){0}), 0),
                     0);
    catalog = open_in(*state);
    made = objects_of(catalog);
    reel_catalog_close(catalog);
    assert_string_equal(migrated, made);
    free(migrated);
    free(made);
}

static void test_from_version_1(void **state)
{
    check_step_from(state, "tests/store/index_1.sql", 1);
}

static void test_from_version_2(void **state)
{
    check_step_from(state, "tests/store/index_2.sql", 2);
}

static void test_from_version_3(void **state)
{
    check_step_from(state, "tests/store/index_3.sql", 3);
}

/* The tags stand in their own table as the recordings have them, whatever is done to these. */
static void test_tags(void **state)
{
    static const char *const steps_taken[] = {
        "INSERT INTO recording (" OLD_COLUMNS ") VALUES"
        " (1, 'a', 's1', 8000, 1, 1, 'pcm', 'complete', 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, '', 0,"
        "  '{\"site\":\"roof\",\"gain\":3}'),"
        " (2, 'a', 's2', 8000, 1, 1, 'pcm', 'recording', 2, 0, 1, 0, 0, 1, 1, 0, 0, 0, '', 0,"
        "  NULL)",
        "UPDATE recording SET tags = '{\"site\":\"hall\"}' WHERE id = 2",
        "UPDATE recording SET tags = '{\"gain\":3.0,\"one\":\"1\"}' WHERE id = 1",
        "UPDATE recording SET started_us = 7 WHERE id = 1",
        "UPDATE recording SET tags = NULL WHERE id = 2",
        "UPDATE recording SET tags = '{\"one\":1}' WHERE id = 2",
        "DELETE FROM recording WHERE id = 1",
        "DELETE FROM recording",
    };
    static const char told[] =
        "SELECT key AS name, atom AS value, started_us, recording FROM recording, json_each(tags)";
    struct reel_catalog *catalog = open_in(*state);
    char sql[512];

    snprintf(sql, sizeof sql,
             "SELECT (SELECT count(*) FROM (%s EXCEPT SELECT * FROM tag)) +"
             " (SELECT count(*) FROM (SELECT * FROM tag EXCEPT %s))",
             told, told);
    for (size_t i = 0; i < sizeof steps_taken / sizeof *steps_taken; i++) {
        run(catalog, steps_taken[i]);
        assert_int_equal(ask(catalog, sql), 0);
    }
    reel_catalog_close(catalog);
}

/* What the complete ones take is kept whatever is done to them. */
static void test_usage(void **state)
{
    static const char *const steps_taken[] = {
        "INSERT INTO recording (id, device, session, rate, channels, sample_bytes, encoding, state,"
        " started_us, kept, frames, duration_s, rewrites, updated_us, fragments, duplicates,"
        " rejected, gap_frames, boot, boot_is_uint) VALUES"
        " (1, 'a', 's1', 16000, 1, 1, 'pcm', 'complete', 1, 0, 75, 0, 0, 1, 1, 0, 0, 0, '', 0),"
        " (2, 'a', 's2', 16000, 2, 2, 'pcm', 'recording', 1, 0, 10, 0, 0, 1, 1, 0, 0, 0, '', 0),"
        " (3, 'b', 's1', 16000, 2, 3, 'pcm', 'complete', 1, 0, 9, 0, 0, 1, 1, 0, 0, 0, '', 0)",
        "UPDATE recording SET state = 'complete', frames = 20 WHERE id = 2",
        "UPDATE recording SET frames = frames + 3",
        "UPDATE recording SET state = 'recording' WHERE id = 1",
        "UPDATE recording SET frames = 400 WHERE id = 1",
        "UPDATE recording SET state = 'complete' WHERE id = 1",
        "UPDATE recording SET kept = 1",
        "UPDATE recording SET rejected = rejected + id, gap_frames = 2 * id, fragments = 7",
        "UPDATE recording SET gap_frames = 0, updated_us = 5 WHERE id = 1",
        "DELETE FROM recording WHERE id = 3",
        "DELETE FROM recording",
    };
    static const char wrong[] =
        "SELECT count(*) FROM (SELECT * FROM usage) AS is_ LEFT JOIN"
        " (SELECT device, count(*) AS n, sum(1024 + (frames * channels * sample_bytes + 1) / 2 * 2)"
        "  AS b, sum(frames) AS f, sum(fragments) AS g, sum(rejected) AS r, sum(gap_frames) AS p"
        "  FROM recording WHERE state = 'complete' GROUP BY device UNION ALL"
        "  SELECT '', count(*), total(1024 + (frames * channels * sample_bytes + 1) / 2 * 2),"
        "  total(frames), total(fragments), total(rejected), total(gap_frames)"
        "  FROM recording WHERE state = 'complete') AS should USING (device)"
        " WHERE (n, b, f, g, r, p)"
        "  IS NOT (recordings, bytes, frames, fragments, rejected, gap_frames)";
    struct reel_catalog *catalog = open_in(*state);

    for (size_t i = 0; i < sizeof steps_taken / sizeof *steps_taken; i++) {
        run(catalog, steps_taken[i]);
        assert_int_equal(ask(catalog, wrong), 0);
    }
    assert_int_equal(ask(catalog, "SELECT count(*) FROM usage"), 1);
    reel_catalog_close(catalog);
}

static void assert_heard(struct reel_catalog *catalog, const char *change, int64_t heard_us)
{
    run(catalog, change);
    assert_int_equal(ask(catalog, "SELECT heard_us FROM usage WHERE device = 'a'"), heard_us);
}

/* When audio last came, of what is complete: not when it became so because none came. */
static void test_heard(void **state)
{
    struct reel_catalog *catalog = open_in(*state);

    run(catalog,
        "INSERT INTO recording (id, device, session, rate, channels, sample_bytes, encoding, state,"
        " started_us, kept, frames, duration_s, rewrites, updated_us, fragments, duplicates,"
        " rejected, gap_frames, boot, boot_is_uint) VALUES"
        " (1, 'a', 's1', 16000, 1, 1, 'pcm', 'recording', 1, 0, 75, 0, 0, 10, 1, 0, 0, 0, '', 0),"
        " (2, 'a', 's2', 16000, 2, 2, 'pcm', 'recording', 1, 0, 10, 0, 0, 20, 1, 0, 0, 0, '', 0)");
    assert_heard(catalog,
                 "UPDATE recording SET state = 'complete', end_reason = 'idle', updated_us = 40"
                 " WHERE id = 1",
                 10);
    assert_heard(catalog, "UPDATE recording SET rejected = 1 WHERE id = 1", 10);
    assert_heard(catalog,
                 "UPDATE recording SET state = 'complete', end_reason = 'end', updated_us = 41,"
                 " fragments = 2 WHERE id = 2",
                 41);
    /* Of an older one, for which nothing came. */
    assert_heard(catalog, "UPDATE recording SET rejected = 2 WHERE id = 1", 41);
    assert_int_equal(ask(catalog, "SELECT heard_us FROM usage WHERE device = ''"), 41);
    assert_heard(catalog, "UPDATE recording SET updated_us = 43 WHERE id = 2", 41);
    assert_heard(catalog, "UPDATE recording SET fragments = 2, updated_us = 45 WHERE id = 1", 45);
    assert_heard(catalog, "DELETE FROM recording WHERE id = 1", 45);
    /* By a clock that was ahead, and is not any more. */
    assert_heard(catalog, "UPDATE recording SET fragments = 3, updated_us = 9000 WHERE id = 2",
                 9000);
    assert_heard(catalog, "UPDATE recording SET fragments = 4, updated_us = 50 WHERE id = 2", 50);
    reel_catalog_close(catalog);
}

static void test_newer_version(void **state)
{
    struct reel_catalog *catalog = open_in(*state);
    struct reel_error error;

    run(catalog, "PRAGMA user_version = 5");
    reel_catalog_close(catalog);
    for (unsigned mode = 0; mode < 2; mode++) {
        assert_int_equal(
            try_open(*state, (enum reel_catalog_mode)mode, &reel_catalog_schema_now, &error),
            REEL_E_NOT_ALLOWED);
        assert_non_null(strstr(error.message, "newer"));
        assert_non_null(strstr(error.message, "version 5"));
    }
}

static void test_other_programs_file(void **state)
{
    struct reel_catalog *catalog = open_in(*state);
    struct reel_error error;

    run(catalog, "PRAGMA application_id = 7");
    reel_catalog_close(catalog);
    assert_int_equal(try_open(*state, REEL_CATALOG_WRITE, &reel_catalog_schema_now, &error),
                     REEL_E_INTERNAL);
    assert_int_equal(try_open(*state, REEL_CATALOG_READ, &reel_catalog_schema_now, &error),
                     REEL_E_INTERNAL);
}

static void overwrite(const char *folder, off_t at, size_t bytes)
{
    char path[PATH_BYTES], junk[4096];
    int fd = open(path_in(folder, "catalog.db", path), O_WRONLY | O_CREAT, 0600);

    memset(junk, 'x', sizeof junk);
    assert_true(fd >= 0);
    for (; bytes > 0; bytes -= sizeof junk, at += (off_t)sizeof junk)
        assert_int_equal(pwrite(fd, junk, sizeof junk, at), sizeof junk);
    assert_int_equal(close(fd), 0);
}

static void test_no_database(void **state)
{
    struct reel_error error;

    overwrite(*state, 0, 8192);
    assert_int_equal(try_open(*state, REEL_CATALOG_WRITE, &reel_catalog_schema_now, &error),
                     REEL_E_INTERNAL);
}

static void save_named(struct reel_catalog *catalog, const char *session)
{
    struct reel_recording recording;

    reel_recording_init(&recording, "mic1", session, &speech, 0);
    assert_ok(reel_catalog_save(catalog, &recording, err));
    reel_recording_finish(&recording);
}

static enum reel_code load_named(struct reel_catalog *catalog, const char *session,
                                 struct reel_error *error)
{
    struct reel_recording recording;
    enum reel_code code = reel_catalog_load(catalog, "mic1", session, &recording, error);

    if (code == REEL_OK)
        reel_recording_finish(&recording);
    return code;
}

/* The table's first page is junk: noticed when it is read, not before. */
static void test_corrupt_page(void **state)
{
    struct reel_catalog *catalog = open_in(*state);
    struct reel_error error;
    int64_t page;

    save_named(catalog, "s1");
    page = ask(catalog, "SELECT rootpage FROM sqlite_schema WHERE name = 'recording'");
    reel_catalog_close(catalog);
    overwrite(*state, (page - 1) * 4096, 4096);
    catalog = open_in(*state);
    assert_int_equal(load_named(catalog, "s2", &error), REEL_E_NOT_FOUND); /* by the index */
    assert_int_equal(load_named(catalog, "s1", &error), REEL_E_INTERNAL);
    reel_catalog_close(catalog);
}

/* Values that the schema forbids, put there by force, are told apart from values. */
static void test_contradicting_rows(void **state)
{
    static const char *const forced[] = {
        "UPDATE recording SET boot = printf('%.65c', 'x')",
        "UPDATE recording SET encoding = 'opus'",
        "UPDATE recording SET rate = 768001",
        "UPDATE recording SET channels = 65",
        "UPDATE recording SET tags = '[1]'",
        "UPDATE recording SET sha256 = 'ab'",
        "UPDATE recording SET captured_from_us = 1",
        "UPDATE recording SET candidate = 'jump'",
        "INSERT INTO stretch VALUES (1, 1, 0, 'first', '', 0, NULL, NULL, 0)",
        "INSERT INTO run VALUES (1, 0, 0, 'stored', 1, 1, 1)",
        "INSERT INTO stretch VALUES (1, 0, 0, 'first', '', 0, NULL, NULL, 0);"
        "INSERT INTO run VALUES (1, 0, 1, 'stored', 1, 1, 1)",
    };

    for (size_t i = 0; i < sizeof forced / sizeof forced[0]; i++) {
        struct reel_catalog *catalog = open_in(*state);
        struct reel_error error;

        save_named(catalog, "s1");
        run(catalog, "PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF");
        run(catalog, forced[i]);
        if (load_named(catalog, "s1", &error) != REEL_E_INTERNAL)
            fail_msg("taken: %s", forced[i]);
        run(catalog, "DELETE FROM run; DELETE FROM stretch; DELETE FROM recording");
        reel_catalog_close(catalog);
    }
}

static void test_cannot_open(void **state)
{
    struct reel_error error;
    char path[PATH_BYTES];

    assert_int_equal(try_open(*state, REEL_CATALOG_READ, &reel_catalog_schema_now, &error),
                     REEL_E_STALLED);
    assert_int_equal(error.code, REEL_E_STALLED);
    assert_int_equal(mkdir(path_in(*state, "catalog.db", path), 0700), 0);
    assert_int_equal(try_open(*state, REEL_CATALOG_WRITE, &reel_catalog_schema_now, &error),
                     REEL_E_STALLED);
}

static void test_reader_cannot_write(void **state)
{
    struct reel_catalog *writer = open_in(*state), *reader = NULL;
    struct reel_recording recording;
    struct reel_error error;
    char path[PATH_BYTES];

    assert_ok(
        reel_catalog_open(path_in(*state, "catalog.db", path), REEL_CATALOG_READ, &reader, err));
    reel_recording_init(&recording, "mic1", "s1", &speech, 0);
    assert_int_equal(reel_catalog_save(reader, &recording, &error), REEL_E_STALLED);
    assert_int_equal(recording.rowid, 0);
    assert_int_equal(reel_catalog_begin(reader, &error), REEL_E_STALLED);
    reel_recording_finish(&recording);
    reel_catalog_close(reader);
    reel_catalog_close(writer);
}

/* No file of the child may grow: what it writes fails, as on a full disk. */
static void fail_to_write(struct reel_catalog *catalog)
{
    struct rlimit none = {0, 0};
    struct reel_error error = {0};
    enum reel_code code;

    if (signal(SIGXFSZ, SIG_IGN) == SIG_ERR || setrlimit(RLIMIT_FSIZE, &none) != 0)
        _exit(1);
    code = reel_catalog_begin(catalog, &error);
    if (code == REEL_OK) {
        save_named(catalog, "s2");
        code = reel_catalog_commit(catalog, &error);
    }
    _exit(code == REEL_E_STALLED && error.code == code && error.message[0] ? 0 : 2);
}

static void run_child(void **state, void (*work)(struct reel_catalog *))
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        work(open_in(*state));
        _exit(99);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void save_first(void **state)
{
    struct reel_catalog *catalog = open_in(*state);

    save_named(catalog, "s1");
    reel_catalog_close(catalog);
}

static void assert_only_first(void **state)
{
    struct reel_catalog *catalog = open_in(*state);
    struct reel_error error;
    uint64_t all, open;

    assert_int_equal(load_named(catalog, "s1", &error), REEL_OK);
    assert_int_equal(load_named(catalog, "s2", &error), REEL_E_NOT_FOUND);
    assert_ok(reel_catalog_counts(catalog, &all, &open, err));
    assert_int_equal(all, 1);
    assert_int_equal(open, 1);
    assert_ok(reel_catalog_checkpoint(catalog, err));
    reel_catalog_close(catalog);
}

static void test_full_disk(void **state)
{
    save_first(state);
    run_child(state, fail_to_write);
    assert_only_first(state);
}

/* SQLite says FULL where the disk says ENOSPC, and where the bound on its pages is reached. */
static void test_full(void **state)
{
    struct reel_catalog *catalog = open_in(*state);
    struct reel_error error;
    enum reel_code code = REEL_OK;

    save_named(catalog, "s1");
    run(catalog, "PRAGMA max_page_count = 1"); /* becomes: no more than there are */
    assert_ok(reel_catalog_begin(catalog, err));
    for (unsigned i = 0; i < 1000 && code == REEL_OK; i++) {
        struct reel_recording recording;
        char session[REEL_NAME_BYTES];

        snprintf(session, sizeof session, "more%u", i);
        reel_recording_init(&recording, "mic1", session, &speech, 0);
        code = reel_catalog_save(catalog, &recording, &error);
        reel_recording_finish(&recording);
    }
    assert_int_equal(code, REEL_E_STALLED);
    assert_non_null(strstr(error.message, "full"));
    reel_catalog_rollback(catalog);
    reel_catalog_close(catalog);
    assert_only_first(state);
}

static void die_before_commit(struct reel_catalog *catalog)
{
    if (reel_catalog_begin(catalog, NULL) != REEL_OK)
        _exit(1);
    save_named(catalog, "s2");
    _exit(0);
}

static void test_crash_before_commit(void **state)
{
    save_first(state);
    run_child(state, die_before_commit);
    assert_only_first(state);
}

static void test_rollback(void **state)
{
    struct reel_catalog *catalog;

    save_first(state);
    catalog = open_in(*state);
    assert_ok(reel_catalog_begin(catalog, err));
    save_named(catalog, "s2");
    reel_catalog_rollback(catalog);
    reel_catalog_rollback(catalog); /* with none open: nothing */
    assert_ok(reel_catalog_begin(catalog, err));
    save_named(catalog, "s2");
    reel_catalog_close(catalog);
    assert_only_first(state);
}

/* A second writer waits for its turn, then gives up: nothing is lost by it. */
static void test_busy(void **state)
{
    struct reel_catalog *catalog = open_in(*state), *other = open_in(*state);
    struct reel_error error;

    run(other, "PRAGMA busy_timeout = 1");
    assert_ok(reel_catalog_begin(catalog, err));
    assert_int_equal(reel_catalog_begin(other, &error), REEL_E_STALLED);
    assert_ok(reel_catalog_commit(catalog, err));
    assert_ok(reel_catalog_begin(other, err));
    assert_ok(reel_catalog_commit(other, err));
    reel_catalog_close(other);
    reel_catalog_close(catalog);
}

static off_t log_bytes(const char *folder)
{
    char path[PATH_BYTES];
    struct stat info;

    assert_int_equal(stat(path_in(folder, "catalog.db-wal", path), &info), 0);
    return info.st_size;
}

/* Complete, or an error: a reader that stands on an earlier state holds the log. */
static void test_checkpoint(void **state)
{
    struct reel_catalog *catalog = open_in(*state), *reader = open_in(*state);
    struct reel_error error;

    run(catalog, "PRAGMA busy_timeout = 1");
    save_named(catalog, "s1");
    run(reader, "BEGIN");
    assert_int_equal(ask(reader, "SELECT count(*) FROM recording"), 1);
    save_named(catalog, "s2");
    assert_int_equal(reel_catalog_checkpoint(catalog, &error), REEL_E_STALLED);
    run(reader, "COMMIT");
    assert_true(log_bytes(*state) > 0);
    assert_ok(reel_catalog_checkpoint(catalog, err));
    assert_int_equal(log_bytes(*state), 0);
    reel_catalog_close(reader);
    reel_catalog_close(catalog);
}

int main(void)
{
#define FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        FOLDER(test_settings),
        FOLDER(test_store_id),
        FOLDER(test_words),
        FOLDER(test_migrations),
        FOLDER(test_broken_migration),
        FOLDER(test_from_version_1),
        FOLDER(test_from_version_2),
        FOLDER(test_from_version_3),
        FOLDER(test_tags),
        FOLDER(test_usage),
        FOLDER(test_heard),
        FOLDER(test_newer_version),
        FOLDER(test_other_programs_file),
        FOLDER(test_no_database),
        FOLDER(test_corrupt_page),
        FOLDER(test_contradicting_rows),
        FOLDER(test_cannot_open),
        FOLDER(test_reader_cannot_write),
        FOLDER(test_full_disk),
        FOLDER(test_full),
        FOLDER(test_crash_before_commit),
        FOLDER(test_rollback),
        FOLDER(test_busy),
        FOLDER(test_checkpoint),
    };

    return cmocka_run_group_tests_name("catalog_schema", tests, NULL, NULL);
}
