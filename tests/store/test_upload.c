/* Uploads in the store: taken in, converted, installed; names that are taken; what recovery makes
 * of what is left behind. */
#include "store/upload_scene.h"
#include "store/upload_tries.h"

enum { FRAMES = 1001 };

static struct reel_upload *spool(struct scene *scene, const char *session, bool overwrite,
                                 uint64_t seed)
{
    size_t bytes;
    uint8_t *file = wav_of(&mono16, seed, FRAMES, &bytes);

    assert_int_equal(try_spool(scene, session, overwrite, file, bytes), REEL_OK);
    free(file);
    scene_commit(scene);
    return reel_store_upload_of(scene->store, "mic1", session);
}

static void install(struct scene *scene, struct reel_upload *upload)
{
    struct reel_conversion made;

    convert(scene, upload, &made);
    if (made.code != REEL_OK)
        fail_msg("reel_upload_convert: %s", made.error.message);
    assert_int_equal(try_install(scene, upload, &made), REEL_OK);
    scene_commit(scene);
}

static void assert_holds(struct scene *scene, const char *session, uint64_t seed)
{
    uint8_t *wanted = noise(&mono16, seed, FRAMES);
    uint64_t frames;
    uint8_t *found = scene_audio(scene, "mic1", session, &frames);

    assert_int_equal(frames, FRAMES);
    assert_memory_equal(found, wanted, FRAMES * sizeof(int16_t));
    free(found);
    free(wanted);
}

static void a_file_becomes_a_recording(void **state)
{
    struct scene *scene = *state;
    struct reel_recording found;

    install(scene, spool(scene, "s1", false, 1));
    assert_null(reel_store_upload_next(scene->store, NULL));
    assert_holds(scene, "s1", 1);
    scene_load(scene, "mic1", "s1", &found);
    assert_int_equal(found.state, REEL_STATE_COMPLETE);
    assert_int_equal(found.end_reason, REEL_END_UPLOAD);
    assert_string_equal(json_string_value(json_object_get(found.tags, "site")), "attic");
    reel_recording_finish(&found);
    assert_int_equal(reel_store_due_in_us(scene->store, scene->now_us), 0);
    scene_commit(scene);
    throw_away(scene);
    assert_int_equal(files_in(scene, "uploads", ".part"), 0);
    assert_int_equal(reel_store_due_in_us(scene->store, scene->now_us), INT64_MAX);
}

static void its_sum_is_wanted(void **state)
{
    struct scene *scene = *state;
    struct reel_hash_job job;

    assert_false(reel_store_next_hash(scene->store, &job));
    install(scene, spool(scene, "s1", false, 1));
    assert_true(reel_store_next_hash(scene->store, &job));
    assert_string_equal(job.session, "s1");
    install(scene, spool(scene, "s1", true, 2));
    assert_true(reel_store_next_hash(scene->store, &job));
    assert_false(reel_store_next_hash(scene->store, &job));
}

static void it_waits_across_a_restart(void **state)
{
    struct scene *scene = *state;
    struct reel_upload *upload = spool(scene, "s1", true, 1);
    uint64_t id = upload->id;
    int64_t begun_us = upload->begun_us;

    scene_restart(scene);
    upload = reel_store_upload_find(scene->store, id);
    assert_non_null(upload);
    assert_int_equal(upload->state, REEL_UPLOAD_WHOLE);
    assert_true(upload->overwrite);
    assert_int_equal(upload->begun_us, begun_us);
    install(scene, upload);
    assert_holds(scene, "s1", 1);
}

static void without_a_commit_it_was_never_there(void **state)
{
    struct scene *scene = *state;
    size_t bytes;
    uint8_t *file = wav_of(&mono16, 1, FRAMES, &bytes);

    assert_int_equal(try_spool(scene, "s1", false, file, bytes), REEL_OK);
    free(file);
    scene_restart(scene);
    assert_null(reel_store_upload_next(scene->store, NULL));
    assert_int_equal(files_in(scene, "uploads", ".part"), 0);
}

static void what_may_not_be_replaced(void **state)
{
    struct scene *scene = *state;
    struct reel_entry *entry = record(scene, 1);
    struct reel_error error;

    assert_int_equal(reel_store_upload_may_take(scene->store, "mic1", "s1", true, &error),
                     REEL_E_CONFLICT);
    complete(scene, entry);
    scene_commit(scene);
    assert_int_equal(reel_store_upload_may_take(scene->store, "mic1", "s1", false, &error),
                     REEL_E_CONFLICT);
    assert_int_equal(reel_store_upload_may_take(scene->store, "mic1", "s1", true, &error), REEL_OK);
    entry = scene_get(scene, "mic1", "s1");
    reel_entry_recording(entry)->kept = true;
    reel_store_touch_said(scene->store, entry);
    assert_int_equal(reel_store_upload_may_take(scene->store, "mic1", "s1", true, &error),
                     REEL_E_CONFLICT);
    assert_string_equal(error.field, "session");
    assert_int_equal(reel_store_upload_may_take(scene->store, "mic1", "s2", false, &error),
                     REEL_OK);
    scene_commit(scene);
}

/* The name was free when the upload came, and is taken by the time it is installed. */
static void a_name_that_was_taken_meanwhile(void **state)
{
    struct scene *scene = *state;
    struct reel_upload *upload = spool(scene, "s1", false, 1);
    struct reel_conversion made;

    record(scene, 2);
    convert(scene, upload, &made);
    assert_int_equal(made.code, REEL_OK);
    assert_int_equal(try_install(scene, upload, &made), REEL_E_CONFLICT);
    assert_ok(reel_store_upload_drop(scene->store, upload, NULL, NULL, err));
    scene_commit(scene);
    throw_away(scene);
    assert_int_equal(files_in(scene, "uploads", ".part"), 0);
    assert_int_equal(files_in(scene, "recordings/mic1", ".tmp"), 0);
    assert_fragments(scene, 2);
}

static void a_refused_one_goes_to_quarantine(void **state)
{
    struct scene *scene = *state;
    struct reel_upload *upload = spool(scene, "s1", false, 1);
    const struct reel_reject reject = {.topic = "t",
                                       .device = "mic1",
                                       .session = "s1",
                                       .bytes = upload->size_bytes,
                                       .error = {.code = REEL_E_CONFLICT, .message = "no"}};
    struct reel_buffer payload = {0};
    uint64_t id;
    size_t bytes;
    uint8_t *file = wav_of(&mono16, 1, FRAMES, &bytes);

    assert_ok(reel_store_upload_drop(scene->store, upload, &reject, &id, err));
    scene_commit(scene);
    throw_away(scene);
    scene_restart(scene);
    assert_ok(reel_store_unquarantine(scene->store, id, &payload, err));
    assert_int_equal(payload.size, bytes);
    assert_memory_equal(payload.bytes, file, bytes);
    reel_buffer_finish(&payload);
    free(file);
}

/* The importing thread may go on while the store is closed and opened anew. */
static void what_was_made_may_be_gone(void **state)
{
    struct scene *scene = *state;
    struct reel_upload *upload = spool(scene, "s1", false, 1);
    struct reel_conversion made;

    convert(scene, upload, &made);
    scene_restart(scene);
    upload = reel_store_upload_next(scene->store, NULL);
    assert_int_equal(try_install(scene, upload, &made), REEL_E_NOT_FOUND);
    install(scene, upload);
    assert_holds(scene, "s1", 1);
}

/* A file that ends the process must not do so for ever. */
static void one_that_ended_the_process_too_often_is_refused(void **state)
{
    struct scene *scene = *state;
    struct reel_upload *upload = spool(scene, "s1", false, 1);
    struct reel_conversion made;
    char name[REEL_UPLOAD_TRIES_BYTES];
    const char *path;

    reel_upload_tries_name(upload->id, name);
    path = scene_path(scene, "uploads/%s", name);
    path_write_at(path, 0, "++++++++", REEL_UPLOAD_TRIES_MAX - 1);
    scene_restart(scene);
    upload = reel_store_upload_next(scene->store, NULL);
    convert(scene, upload, &made);
    assert_int_equal(made.code, REEL_OK);
    assert_int_equal(files_in(scene, "uploads", ".tries"), 0);
    path_write_at(scene_path(scene, "uploads/%s", name), 0, "++++++++", REEL_UPLOAD_TRIES_MAX);
    convert(scene, upload, &made);
    assert_int_equal(made.code, REEL_E_BAD_REQUEST);
    assert_string_equal(made.error.field, "payload");
    assert_int_equal(files_in(scene, "uploads", ".tries"), 0);
    path_write_at(scene_path(scene, "uploads/0123456789abcdef.tries"), 0, "+", 1);
    scene_restart(scene);
    assert_int_equal(files_in(scene, "uploads", ".tries"), 0);
}

/* A disk that fails leaves the count of tries. */
static void the_count_of_tries_goes_with_the_upload(void **state)
{
    struct scene *scene = *state;
    struct reel_upload *upload = spool(scene, "s1", false, 1);
    struct reel_conversion made;
    char name[REEL_UPLOAD_TRIES_BYTES];

    reel_upload_tries_name(upload->id, name);
    convert(scene, upload, &made);
    path_write_at(scene_path(scene, "uploads/%s", name), 0, "+", 1);
    assert_int_equal(try_install(scene, upload, &made), REEL_OK);
    scene_commit(scene);
    scene_commit(scene);
    throw_away(scene);
    assert_int_equal(files_in(scene, "uploads", ".tries"), 0);
}

static void blocks_are_remembered(void **state)
{
    struct scene *scene = *state;
    struct reel_upload upload = {.state = REEL_UPLOAD_RECEIVING, .size_bytes = 100};
    struct reel_upload *held;
    bool equal;

    strcpy(upload.device, "mic1");
    strcpy(upload.session, "s1");
    assert_true(reel_upload_use_blocks(&upload, 10));
    assert_int_equal(upload.blocks, 10);
    assert_ok(reel_store_upload_add(scene->store, &upload, &held, err));
    assert_ok(reel_store_upload_write(scene->store, held, 80, "abcdefghij", 10, err));
    reel_upload_mark_block(held, 8);
    scene_commit(scene);
    scene_restart(scene);
    held = reel_store_upload_next(scene->store, NULL);
    assert_int_equal(held->blocks_wanted, 9);
    for (uint64_t block = 0; block < 10; block++)
        assert_int_equal(reel_upload_has_block(held, block), block == 8);
    assert_ok(reel_store_upload_equal(scene->store, held, 80, "abcdefghij", 10, &equal, err));
    assert_true(equal);
    assert_ok(reel_store_upload_equal(scene->store, held, 80, "abcdefghiX", 10, &equal, err));
    assert_false(equal);
}

/* The catalog is lost: what was under way is nobody's, and is kept. */
static void with_a_new_catalog_what_was_under_way_is_kept(void **state)
{
    struct scene *scene = *state;

    spool(scene, "s1", false, 1);
    install(scene, spool(scene, "s2", false, 2));
    scene_crash(scene);
    assert_ok(reel_store_reindex(&scene->config, scene->now_us, NULL, err));
    scene_open(scene);
    assert_holds(scene, "s2", 2);
    assert_null(reel_store_upload_next(scene->store, NULL));
    assert_true(recovered(scene, ".", ".part") >= 1);
    assert_int_equal(files_in(scene, "uploads", ".part"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_becomes_a_recording, set_up, tear_down),
        cmocka_unit_test_setup_teardown(its_sum_is_wanted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_waits_across_a_restart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_a_commit_it_was_never_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_may_not_be_replaced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_name_that_was_taken_meanwhile, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_refused_one_goes_to_quarantine, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_made_may_be_gone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_that_ended_the_process_too_often_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_count_of_tries_goes_with_the_upload, set_up, tear_down),
        cmocka_unit_test_setup_teardown(blocks_are_remembered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(with_a_new_catalog_what_was_under_way_is_kept, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
