/* Uploads in a scene: whole files of noise, step by step as ingest and the importing thread take
 * them. */
#ifndef REEL_TESTS_STORE_UPLOAD_SCENE_H
#define REEL_TESTS_STORE_UPLOAD_SCENE_H

#include "store/scene.h"
#include "store/upload.h"
#include "store/upload_convert.h"

static const struct reel_convert_limits upload_limits = {
    .formats = REEL_CONTAINER_BIT(REEL_CONTAINER_WAV),
    .max_audio_bytes = 1 << 20,
    .stop_fd = -1,
};

/* A WAV file of noise(seed), freed by the caller. */
static inline uint8_t *wav_of(const struct reel_format *format, uint64_t seed, uint64_t frames,
                              size_t *bytes_out)
{
    size_t audio_bytes = frames * reel_format_frame_bytes(format);
    uint8_t *file = malloc(REEL_WAV_VIEW_HEADER_MAX + audio_bytes);
    uint8_t *audio = noise(format, seed, frames);
    size_t head_bytes;

    assert_non_null(file);
    head_bytes = reel_wav_view_header(format, frames, NULL, 0, file);
    memcpy(file + head_bytes, audio, audio_bytes);
    free(audio);
    *bytes_out = head_bytes + audio_bytes;
    return file;
}

/* Take it in, whole, as one message brings it. */
static inline enum reel_code try_spool(struct scene *scene, const char *session, bool overwrite,
                                       const void *file, size_t bytes)
{
    struct reel_upload upload = {.state = REEL_UPLOAD_WHOLE,
                                 .overwrite = overwrite,
                                 .size_bytes = bytes,
                                 .begun_us = scene->now_us,
                                 .updated_us = scene->now_us};
    struct reel_upload *held;
    enum reel_code code;

    strcpy(upload.device, "mic1");
    strcpy(upload.session, session);
    upload.tags = json_pack("{s:s}", "site", "attic");
    code = reel_store_upload_add(scene->store, &upload, &held, NULL);
    if (code != REEL_OK) {
        reel_upload_finish(&upload);
        return code;
    }
    return reel_store_upload_write(scene->store, held, 0, file, bytes, NULL);
}

static inline void convert(const struct scene *scene, const struct reel_upload *upload,
                           struct reel_conversion *out)
{
    memset(out, 0, sizeof *out);
    out->id = upload->id;
    memcpy(out->device, upload->device, sizeof out->device);
    memcpy(out->session, upload->session, sizeof out->session);
    out->begun_us = upload->begun_us;
    assert_true(reel_upload_convert(scene->dir, &upload_limits, out));
}

/* Stage the recording that it becomes. */
static inline enum reel_code try_install(struct scene *scene, struct reel_upload *upload,
                                         const struct reel_conversion *made)
{
    struct reel_recording removed;
    struct reel_entry *entry;
    enum reel_code code = reel_store_upload_install(
        scene->store, upload, &made->format, made->frames, scene->now_us, &removed, &entry, NULL);

    if (code == REEL_OK)
        reel_recording_finish(&removed);
    return code;
}

static inline void throw_away(struct scene *scene)
{
    struct reel_discard discard;

    while (reel_store_next_discard(scene->store, &discard))
        (void)reel_discard(scene->dir, &discard, NULL); /* what fails is recovery's */
}

static inline unsigned files_in(struct scene *scene, const char *folder, const char *suffix)
{
    DIR *stream = opendir(scene_path(scene, "%s", folder));
    struct dirent *entry;
    unsigned count = 0;

    while (stream && (entry = readdir(stream)) != NULL) {
        size_t bytes = strlen(entry->d_name), suffix_bytes = strlen(suffix);

        count += bytes > suffix_bytes && strcmp(entry->d_name + bytes - suffix_bytes, suffix) == 0;
    }
    if (stream)
        closedir(stream);
    return count;
}

#endif
