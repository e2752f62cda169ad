/* A crash at every single call while blocks come, before it and in the middle of it, and a power
 * cut at each: a block that was told to be durable is there with its bytes, none is said to be
 * there that is not, and the upload ends as the file. */
#include "store/faults.h"

#include "store/upload_scene.h"

enum { FRAMES = 1500, BLOCK_BYTES = 1000 };

struct file {
    uint8_t *bytes;
    size_t size;
    uint64_t blocks;
};

static bool begin(struct scene *scene, const struct file *file)
{
    struct reel_upload upload = {.state = REEL_UPLOAD_RECEIVING,
                                 .size_bytes = file->size,
                                 .begun_us = scene->now_us,
                                 .updated_us = scene->now_us};
    struct reel_upload *held;

    strcpy(upload.device, "mic1");
    strcpy(upload.session, "s1");
    assert_true(reel_upload_use_blocks(&upload, BLOCK_BYTES));
    if (reel_store_upload_add(scene->store, &upload, &held, NULL) == REEL_OK)
        return true;
    reel_upload_finish(&upload);
    return false;
}

static size_t bytes_of(const struct file *file, uint64_t block)
{
    size_t left = file->size - block * BLOCK_BYTES;

    return left < BLOCK_BYTES ? left : BLOCK_BYTES;
}

static bool send(struct scene *scene, const struct file *file, uint64_t block)
{
    struct reel_upload *upload = reel_store_upload_next(scene->store, NULL);

    if (reel_store_upload_write(scene->store, upload, block * BLOCK_BYTES,
                                file->bytes + block * BLOCK_BYTES, bytes_of(file, block),
                                NULL) != REEL_OK ||
        reel_store_upload_touch(scene->store, upload, NULL) != REEL_OK)
        return false;
    reel_upload_mark_block(upload, block);
    return true;
}

static bool commit(struct scene *scene)
{
    return reel_store_commit(scene->store, NULL, 0, scene->now_us, NULL) == REEL_OK;
}

/* From the last block to the first, two with each commit; how many blocks were told. */
static uint64_t send_all(struct scene *scene, const struct file *file, bool *begun_out)
{
    uint64_t told = 0;

    *begun_out = begin(scene, file) && commit(scene);
    while (*begun_out && told + 2 <= file->blocks) {
        if (!send(scene, file, file->blocks - 1 - told) ||
            !send(scene, file, file->blocks - 2 - told) || !commit(scene))
            return told;
        told += 2;
    }
    return told;
}

/* Each block that is said to be there is. */
static void check(struct scene *scene, const struct file *file, uint64_t told, bool begun)
{
    struct reel_upload *upload = reel_store_upload_next(scene->store, NULL);

    if (!upload) {
        assert_false(begun);
        assert_true(begin(scene, file));
        upload = reel_store_upload_next(scene->store, NULL);
    }
    for (uint64_t block = 0; block < file->blocks; block++) {
        bool equal = true;

        if (block >= file->blocks - told)
            assert_true(reel_upload_has_block(upload, block));
        if (reel_upload_has_block(upload, block))
            assert_ok(reel_store_upload_equal(scene->store, upload, block * BLOCK_BYTES,
                                              file->bytes + block * BLOCK_BYTES,
                                              bytes_of(file, block), &equal, err));
        assert_true(equal);
    }
}

/* What is missing is sent, and a recording made of it. */
static void finish(struct scene *scene, const struct file *file)
{
    struct reel_upload *upload = reel_store_upload_next(scene->store, NULL);
    struct reel_conversion made;
    uint64_t frames;
    uint8_t *found, *wanted = noise(&mono16, 1, FRAMES);

    for (uint64_t block = 0; block < file->blocks; block++)
        assert_true(reel_upload_has_block(upload, block) || send(scene, file, block));
    assert_int_equal(upload->blocks_wanted, 0);
    upload->state = REEL_UPLOAD_WHOLE;
    assert_ok(reel_store_upload_touch(scene->store, upload, err));
    assert_true(commit(scene));
    scene_restart(scene);
    upload = reel_store_upload_next(scene->store, NULL);
    convert(scene, upload, &made);
    assert_int_equal(made.code, REEL_OK);
    assert_int_equal(try_install(scene, upload, &made), REEL_OK);
    assert_true(commit(scene));
    found = scene_audio(scene, "mic1", "s1", &frames);
    assert_int_equal(frames, FRAMES);
    assert_memory_equal(found, wanted, FRAMES * sizeof(int16_t));
    free(found);
    free(wanted);
}

enum way { KILLED, TORN, POWER_CUT };

static uint64_t crash_at(uint64_t last, enum way way, const struct file *file)
{
    struct scene *scene;
    uint64_t told, made;
    void *state;
    bool begun;

    forget_all();
    calls.last = 0;
    set_up(&state);
    scene = state;
    calls.count = 0;
    calls.last = last;
    calls.torn = way == TORN;
    told = send_all(scene, file, &begun);
    made = calls.count;
    scene_crash(scene);
    calls.last = 0;
    if (way == POWER_CUT)
        cut_power();
    scene_open(scene);
    check(scene, file, told, begun);
    finish(scene, file);
    tear_down(&state);
    return made;
}

static void crash_everywhere(enum way way)
{
    struct file file;
    uint64_t calls_in_all;

    file.bytes = wav_of(&mono16, 1, FRAMES, &file.size);
    file.blocks = (file.size + BLOCK_BYTES - 1) / BLOCK_BYTES;
    calls_in_all = crash_at(UINT64_MAX, way, &file);
    assert_true(calls_in_all > 20);
    for (uint64_t last = 1; last <= calls_in_all; last++)
        crash_at(last, way, &file);
    forget_all();
    free(file.bytes);
}

static void killed_before_any_call(void **state)
{
    (void)state;
    crash_everywhere(KILLED);
}

static void killed_within_any_write(void **state)
{
    (void)state;
    crash_everywhere(TORN);
}

static void with_the_power_cut(void **state)
{
    (void)state;
    crash_everywhere(POWER_CUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_before_any_call),
        cmocka_unit_test(killed_within_any_write),
        cmocka_unit_test(with_the_power_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
