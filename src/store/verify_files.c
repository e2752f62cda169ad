/* Verify, what no row speaks of: files in recordings/, and quarantine's payloads with their rows.
 */
#include "store/verify_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/buried.h"
#include "store/quarantine_internal.h"
#include "wire/topic.h"

enum { PATH_BYTES = 2 * REEL_NAME_BYTES + 8 };

static bool is_file(int fd, const char *name, uint64_t *bytes_out)
{
    struct stat status;

    if (fstatat(fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode))
        return false;
    *bytes_out = (uint64_t)status.st_size;
    return true;
}

/* What a deletion left is recovery's to remove: the catalog has lost nothing. */
static enum reel_code is_left_over(struct verification *verification, const struct subject *subject,
                                   bool *left_out, struct reel_error *err_out)
{
    struct reel_buried buried;
    enum reel_code code =
        reel_buried_find(verification->catalog, verification->sidecars, verification->recordings_fd,
                         subject->device, subject->session, &buried, err_out);

    *left_out = code == REEL_OK && (subject->kind == SUBJECT_WAV ? buried.wav : buried.sidecar);
    return code;
}

/* A WAV file, or a sidecar, of that name: does the catalog know it? */
static enum reel_code look_at_stray(struct verification *verification,
                                    const struct subject *subject, struct findings *findings,
                                    struct reel_error *err_out)
{
    const char *suffix = subject->kind == SUBJECT_WAV ? ".wav" : ".json";
    struct reel_recording recording;
    struct reel_error why;
    char name[PATH_BYTES];
    uint64_t bytes;
    bool left;
    enum reel_code code = reel_catalog_load(verification->catalog, subject->device,
                                            subject->session, &recording, &why);

    if (code == REEL_OK)
        reel_recording_finish(&recording);
    if (code == REEL_OK || code == REEL_E_INTERNAL) /* told of with the rows */
        return REEL_OK;
    if (code != REEL_E_NOT_FOUND) {
        if (err_out)
            *err_out = why;
        return code;
    }
    code = is_left_over(verification, subject, &left, err_out);
    if (code != REEL_OK || left)
        return code;
    snprintf(name, sizeof name, "%s/%s%s", subject->device, subject->session, suffix);
    if (is_file(verification->recordings_fd, name, &bytes))
        reel_finding_add(findings, REEL_DIFFERS_NO_ROW,
                         "the catalog does not know recordings/%s, %" PRIu64 " bytes", name, bytes);
    return REEL_OK;
}

/* Whether there is a row with a payload of that id, and how long that is. */
static enum reel_code find_payload(struct verification *verification, uint64_t id, bool *found_out,
                                   uint64_t *bytes_out, struct reel_error *err_out)
{
    struct reel_error why;
    uint64_t found_id;
    enum reel_code code =
        reel_catalog_reject_next_payload(verification->catalog, id - 1, &found_id, bytes_out, &why);

    *found_out = code == REEL_OK && found_id == id;
    if (code == REEL_OK || code == REEL_E_NOT_FOUND)
        return REEL_OK;
    if (err_out)
        *err_out = why;
    return code;
}

static enum reel_code look_at_payload(struct verification *verification, uint64_t id,
                                      struct findings *findings, struct reel_error *err_out)
{
    uint64_t row_bytes = 0;
    uint64_t file_bytes;
    char name[32];
    bool has_row;
    bool has_file;
    enum reel_code code = find_payload(verification, id, &has_row, &row_bytes, err_out);

    if (code != REEL_OK)
        return code;
    snprintf(name, sizeof name, "%" PRIu64 ".bin", id);
    has_file =
        verification->quarantine_fd >= 0 && is_file(verification->quarantine_fd, name, &file_bytes);
    if (has_row && !has_file)
        reel_finding_add(findings, REEL_DIFFERS_PAYLOAD_MISSING, "there is no %s", name);
    else if (has_file && !has_row)
        reel_finding_add(findings, REEL_DIFFERS_NO_ROW, "the catalog does not know %s", name);
    else if (has_file && file_bytes != row_bytes)
        reel_finding_add(findings, REEL_DIFFERS_PAYLOAD_SIZE,
                         "%s has %" PRIu64 " bytes, the catalog says %" PRIu64, name, file_bytes,
                         row_bytes);
    return REEL_OK;
}

enum reel_code reel_verify_file(struct verification *verification, const struct subject *subject,
                                struct findings *findings, struct reel_error *err_out)
{
    return subject->kind == SUBJECT_PAYLOAD
               ? look_at_payload(verification, subject->quarantine_id, findings, err_out)
               : look_at_stray(verification, subject, findings, err_out);
}

/* The session of "session.suffix". */
static bool session_of(const char *name, const char *suffix, char session[REEL_NAME_BYTES])
{
    size_t bytes = strlen(name);
    size_t suffix_bytes = strlen(suffix);

    if (bytes <= suffix_bytes || strcmp(name + bytes - suffix_bytes, suffix) != 0 ||
        !reel_name_valid(name, bytes - suffix_bytes))
        return false;
    memcpy(session, name, bytes - suffix_bytes);
    session[bytes - suffix_bytes] = '\0';
    return true;
}

/* Call `each` for every name in the folder `name` below `parent_fd`. */
typedef enum reel_code name_fn(struct verification *verification, int fd, const char *folder,
                               const char *name, struct reel_error *err_out);
static enum reel_code each_name(struct verification *verification, int parent_fd,
                                const char *folder, name_fn *each, struct reel_error *err_out)
{
    int fd = openat(parent_fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd < 0 ? NULL : fdopendir(fd);
    enum reel_code code = REEL_OK;
    struct dirent *entry;

    if (!stream) {
        code = reel_error_errno(err_out, errno, "read folder %s", folder);
        if (fd >= 0)
            close(fd);
        return code;
    }
    while (errno = 0, code == REEL_OK && (entry = readdir(stream)))
        code = each(verification, dirfd(stream), folder, entry->d_name, err_out);
    if (code == REEL_OK && errno != 0)
        code = reel_error_errno(err_out, errno, "read folder %s", folder);
    closedir(stream);
    return code;
}

static enum reel_code verify_name(struct verification *verification, int fd, const char *device,
                                  const char *name, struct reel_error *err_out)
{
    struct subject subject = {.kind = SUBJECT_WAV};
    char wav[PATH_BYTES];
    uint64_t bytes;

    if (!session_of(name, ".wav", subject.session)) {
        subject.kind = SUBJECT_SIDECAR;
        if (!session_of(name, ".json", subject.session))
            return REEL_OK; /* none of ours */
        snprintf(wav, sizeof wav, "%s.wav", subject.session);
        if (is_file(fd, wav, &bytes)) /* which is looked at itself */
            return REEL_OK;
    }
    snprintf(subject.device, sizeof subject.device, "%s", device);
    return reel_verify_subject(verification, &subject, err_out);
}

/* A device's folder may be a link to another disk. */
static enum reel_code verify_folder(struct verification *verification, int fd, const char *root,
                                    const char *name, struct reel_error *err_out)
{
    struct stat status;

    (void)root;
    if (!reel_name_valid(name, strlen(name)))
        return REEL_OK;
    if (fstatat(fd, name, &status, 0) == 0 && !S_ISDIR(status.st_mode))
        return REEL_OK;
    return each_name(verification, fd, name, verify_name, err_out);
}

enum reel_code reel_verify_tree(struct verification *verification, struct reel_error *err_out)
{
    return each_name(verification, verification->dir_fd, "recordings", verify_folder, err_out);
}

static enum reel_code verify_payload_file(struct verification *verification, int fd,
                                          const char *folder, const char *name,
                                          struct reel_error *err_out)
{
    struct subject subject = {.kind = SUBJECT_PAYLOAD};
    uint64_t bytes;
    bool has_row;
    enum reel_code code;

    (void)fd;
    (void)folder;
    if (!reel_payload_parse_name(name, &subject.quarantine_id) || subject.quarantine_id == 0)
        return REEL_OK;
    code = find_payload(verification, subject.quarantine_id, &has_row, &bytes, err_out);
    if (code != REEL_OK || has_row)
        return code;
    return reel_verify_subject(verification, &subject, err_out);
}

/* Rows first; then the files that have none. */
enum reel_code reel_verify_quarantine(struct verification *verification, struct reel_error *err_out)
{
    struct subject subject = {.kind = SUBJECT_PAYLOAD};
    struct reel_error why;
    uint64_t bytes;
    enum reel_code code;

    while ((code = reel_catalog_reject_next_payload(verification->catalog, subject.quarantine_id,
                                                    &subject.quarantine_id, &bytes, &why)) ==
           REEL_OK) {
        verification->report.payloads++;
        code = reel_verify_subject(verification, &subject, err_out);
        if (code != REEL_OK)
            return code;
    }
    if (code != REEL_E_NOT_FOUND) {
        if (err_out)
            *err_out = why;
        return code;
    }
    if (verification->quarantine_fd < 0)
        return REEL_OK;
    return each_name(verification, verification->dir_fd, "quarantine", verify_payload_file,
                     err_out);
}
