/* What the tests of verification share: a store with some of everything, what was told of it, and
 * ways to damage it. */
#ifndef REEL_TESTS_STORE_VERIFY_TOLD_H
#define REEL_TESTS_STORE_VERIFY_TOLD_H

#include "store/hash.h"
#include "store/scene.h"
#include "store/verify.h"

enum { TOLD_MAX = 16 };

/* What was told, and what happens while it is looked at. */
struct told {
    struct scene *scene;
    unsigned count;
    struct {
        char where[2 * REEL_NAME_BYTES];
        enum reel_difference what;
        char how[512];
    } items[TOLD_MAX];
    unsigned put_aside;
    char put_aside_file[PATH_BYTES];
    char put_aside_why[128];
    unsigned lost;
    char lost_file[PATH_BYTES];
    char lost_why[128];
    unsigned settled;
    void (*on_settle)(struct scene *scene);
    unsigned progressed;
    void (*on_progress)(struct scene *scene);
    struct reel_verify_report report;
};

static inline void on_differs(void *user, const char *where, enum reel_difference what,
                              const char *how)
{
    struct told *told = user;

    assert_true(told->count < TOLD_MAX);
    snprintf(told->items[told->count].where, sizeof told->items[0].where, "%s", where);
    snprintf(told->items[told->count].how, sizeof told->items[0].how, "%s", how);
    told->items[told->count++].what = what;
}

static inline void on_put_aside(void *user, const char *file, const char *why)
{
    struct told *told = user;

    told->put_aside++;
    snprintf(told->put_aside_file, sizeof told->put_aside_file, "%s", file);
    snprintf(told->put_aside_why, sizeof told->put_aside_why, "%s", why);
}

static inline void on_lost(void *user, const char *file, const char *why)
{
    struct told *told = user;

    told->lost++;
    snprintf(told->lost_file, sizeof told->lost_file, "%s", file);
    snprintf(told->lost_why, sizeof told->lost_why, "%s", why);
}

static inline void on_progress(void *user, const char *where, uint64_t done_bytes,
                               uint64_t total_bytes)
{
    struct told *told = user;

    assert_non_null(strchr(where, '/'));
    assert_true(done_bytes > 0 && done_bytes <= total_bytes);
    if (told->progressed++ == 0 && told->on_progress)
        told->on_progress(told->scene);
}

static inline void on_settle(void *user)
{
    struct told *told = user;

    told->settled++;
    if (told->on_settle)
        told->on_settle(told->scene);
}

/* Twice looked at where `settles`. */
static inline void verify(struct scene *scene, bool settles, struct told *told)
{
    const struct reel_verify_watch watch = {.user = told,
                                            .differs = on_differs,
                                            .put_aside = on_put_aside,
                                            .lost = on_lost,
                                            .progress = on_progress,
                                            .settle = settles ? on_settle : NULL};

    told->scene = scene;
    assert_ok(reel_verify_store(scene->dir, &watch, &told->report, err));
    assert_int_equal(told->report.differences, told->count);
}

static inline void assert_well(struct scene *scene)
{
    struct told told = {0};

    verify(scene, false, &told);
    if (told.count > 0)
        fail_msg("%s: %s: %s", told.items[0].where, reel_difference_name(told.items[0].what),
                 told.items[0].how);
}

/* That exactly this is told, by one look and by two. */
static inline void assert_differs(struct scene *scene, const char *where, enum reel_difference what)
{
    for (unsigned settles = 0; settles < 2; settles++) {
        struct told told = {0};

        verify(scene, settles, &told);
        if (told.count != 1)
            fail_msg("%u differences, the last is %s", told.count,
                     told.count ? told.items[told.count - 1].how : "none");
        assert_string_equal(told.items[0].where, where);
        assert_string_equal(reel_difference_name(told.items[0].what), reel_difference_name(what));
        assert_int_equal(told.settled, settles);
    }
}

/* As the sink's hasher does it. */
static inline void make_sums(struct scene *scene)
{
    struct reel_hash_job job;

    while (reel_store_next_hash(scene->store, &job)) {
        assert_ok(reel_hash_file(scene->dir, &job, err));
        assert_ok(reel_store_hashed(scene->store, &job, err));
        scene_commit(scene);
    }
}

static inline void refuse(struct scene *scene, struct reel_entry *candidate_of)
{
    struct reel_reject reject = {.topic = "t",
                                 .device = "mic1",
                                 .session = "",
                                 .bytes = 3,
                                 .error = {.code = REEL_E_LATE, .message = "late"}};
    uint64_t id;

    assert_ok(reel_store_quarantine(scene->store, &reject, "abc", &id, err));
    if (candidate_of) {
        struct reel_recording *recording = reel_entry_recording(candidate_of);

        recording->candidate.kind = REEL_CANDIDATE_JUMP;
        recording->candidate.quarantine_id = id;
        recording->candidate.numbers = (struct reel_numbers){.has_seq = true, .seq = 99};
        recording->rejected++;
    }
}

static inline void restarted_recorder(struct scene *scene, struct reel_entry *entry)
{
    struct reel_numbers numbers = {
        .has_seq = true, .frames = FRAGMENT_FRAMES, .boot = {.text = "second"}};

    publish(scene, entry, &numbers, 7);
}

/* done: complete with its sum, a gap, two boots, tags. new: complete, no sum yet, an odd number of
 * bytes. open: growing, a gap, a candidate. empty: complete without a frame. One more payload. */
static inline void fill_store(struct scene *scene)
{
    struct reel_entry *done = scene_create(scene, "mic1", "done", &mono16);
    json_t *tags = json_pack("{s:s, s:f}", "site", "roof", "gain", -3.25);
    struct reel_entry *entry;

    publish_seq(scene, done, 0);
    publish_seq(scene, done, 4);
    scene_commit(scene);
    restarted_recorder(scene, done);
    reel_recording_merge_tags(reel_entry_recording(done), tags);
    json_decref(tags);
    complete(scene, done);
    complete(scene, scene_create(scene, "mic1", "empty", &mono16));
    scene_commit(scene);
    make_sums(scene);
    entry = scene_create(scene, "mic2", "new", &mono8);
    publish_plain(scene, entry, 3, 33);
    complete(scene, entry);
    entry = scene_create(scene, "mic2", "open", &mono16);
    publish_seq(scene, entry, 0);
    publish_seq(scene, entry, 3);
    refuse(scene, entry);
    refuse(scene, NULL);
    scene_commit(scene);
    publish_seq(scene, scene_get(scene, "mic2", "open"), 4);
    scene_commit(scene);
}

static inline int set_up_full(void **state)
{
    set_up(state);
    fill_store(*state);
    return 0;
}

static inline const char *wav(struct scene *scene, const char *name)
{
    return scene_path(scene, "recordings/%s.wav", name);
}

static inline const char *json(struct scene *scene, const char *name)
{
    return scene_path(scene, "recordings/%s.json", name);
}

static inline void flip(const char *path, uint64_t offset)
{
    size_t bytes;
    uint8_t *data = path_read(path, &bytes);
    uint8_t flipped;

    assert_true(offset < bytes);
    flipped = (uint8_t)~data[offset];
    path_write_at(path, offset, &flipped, 1);
    free(data);
}

/* Put `to` in the place of the only `from`, of the same length. */
static inline void edit(const char *path, const char *from, const char *to)
{
    size_t bytes;
    uint8_t *data = path_read(path, &bytes);
    uint8_t *at = memmem(data, bytes, from, strlen(from));

    assert_int_equal(strlen(from), strlen(to));
    assert_non_null(at);
    path_write_at(path, (uint64_t)(at - data), to, strlen(to));
    free(data);
}

static inline void cut(const char *path, uint64_t bytes)
{
    assert_int_equal(truncate(path, (off_t)(path_bytes(path) - bytes)), 0);
}

/* Change one row behind the store's back. */
static inline void query(struct scene *scene, const char *sql)
{
    char command[1024];

    snprintf(command, sizeof command,
             "/usr/bin/python3 -c 'import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); "
             "c.execute(\"PRAGMA foreign_keys = ON\"); "
             "assert c.execute(sys.argv[2]).rowcount == 1; c.commit()' %s \"%s\"",
             scene_path(scene, "catalog.db"), sql);
    assert_int_equal(system(command), 0);
}

#endif
