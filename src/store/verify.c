/* Verify: over all rows, all files, all payloads; what differs twice is told. */
#include "store/verify_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/disk.h"

enum { PAGE_ROWS = 256, LOOKS_MAX = 4 };

static const char *const names[REEL_DIFFERS_COUNT] = {
    [REEL_DIFFERS_FILE_MISSING] = "file-missing",
    [REEL_DIFFERS_FILE_UNREADABLE] = "file-unreadable",
    [REEL_DIFFERS_HEADER] = "header",
    [REEL_DIFFERS_ID] = "id",
    [REEL_DIFFERS_FORMAT] = "format",
    [REEL_DIFFERS_SIZES] = "sizes",
    [REEL_DIFFERS_SHORT] = "short",
    [REEL_DIFFERS_LONG] = "long",
    [REEL_DIFFERS_SHA256] = "sha256",
    [REEL_DIFFERS_CATALOG] = "catalog",
    [REEL_DIFFERS_SIDECAR_MISSING] = "sidecar-missing",
    [REEL_DIFFERS_SIDECAR_DAMAGED] = "sidecar-damaged",
    [REEL_DIFFERS_SIDECAR] = "sidecar",
    [REEL_DIFFERS_NO_ROW] = "no-row",
    [REEL_DIFFERS_PAYLOAD_MISSING] = "payload-missing",
    [REEL_DIFFERS_PAYLOAD_SIZE] = "payload-size",
};

const char *reel_difference_name(enum reel_difference difference)
{
    return names[difference];
}

void reel_finding_add(struct findings *findings, enum reel_difference what, const char *format, ...)
{
    struct finding *finding = &findings->items[findings->count];
    va_list args;

    for (size_t i = 0; i < findings->count; i++) {
        if (findings->items[i].what == what)
            return;
    }
    finding->what = what;
    va_start(args, format);
    vsnprintf(finding->how, sizeof finding->how, format, args);
    va_end(args);
    findings->count++;
}

static bool same_state(const struct reel_recording *a, const struct reel_recording *b)
{
    return a->id == b->id && a->frames == b->frames &&
           reel_sidecar_mark(a).digest == reel_sidecar_mark(b).digest;
}

/* One look at a recording, the catalog's word before and after. `*settled_out`: the findings are
 * of one state of it. */
static enum reel_code look_once(struct verification *verification, const struct subject *subject,
                                struct findings *findings, bool *settled_out,
                                struct reel_error *err_out)
{
    struct reel_recording before;
    struct reel_recording after;
    struct reel_error why;
    enum reel_code code =
        reel_catalog_load(verification->catalog, subject->device, subject->session, &before, &why);

    *settled_out = true;
    if (code == REEL_E_NOT_FOUND) /* deleted since it was listed */
        return REEL_OK;
    if (code == REEL_E_INTERNAL) {
        reel_finding_add(findings, REEL_DIFFERS_CATALOG, "%s", why.message);
        return REEL_OK;
    }
    if (code != REEL_OK) {
        if (err_out)
            *err_out = why;
        return code;
    }
    reel_verify_recording(verification, &before, findings);
    if (findings->count > 0) {
        *settled_out = reel_catalog_load(verification->catalog, subject->device, subject->session,
                                         &after, &why) == REEL_OK;
        if (*settled_out) {
            *settled_out = same_state(&before, &after);
            reel_recording_finish(&after);
        }
    }
    reel_recording_finish(&before);
    return REEL_OK;
}

static enum reel_code look(struct verification *verification, const struct subject *subject,
                           struct findings *findings, struct reel_error *err_out)
{
    enum reel_code code = REEL_OK;
    bool settled = false;

    if (subject->kind != SUBJECT_RECORDING)
        return reel_verify_file(verification, subject, findings, err_out);
    for (unsigned i = 0; i < LOOKS_MAX && !settled && code == REEL_OK; i++) {
        findings->count = 0;
        code = look_once(verification, subject, findings, &settled, err_out);
    }
    if (code == REEL_OK && !settled) {
        findings->count = 0;
        verification->report.unsettled++;
    }
    return code;
}

static void tell(struct verification *verification, const struct subject *subject,
                 const struct findings *findings)
{
    char where[WHERE_BYTES] = "quarantine";

    if (subject->kind != SUBJECT_PAYLOAD)
        snprintf(where, sizeof where, "%s/%s", subject->device, subject->session);
    for (size_t i = 0; i < findings->count; i++)
        verification->watch->differs(verification->watch->user, where, findings->items[i].what,
                                     findings->items[i].how);
    verification->report.differences += findings->count;
}

/* Look at all suspects again. */
static enum reel_code resolve(struct verification *verification, struct reel_error *err_out)
{
    enum reel_code code = REEL_OK;

    if (verification->suspects_count == 0)
        return REEL_OK;
    verification->watch->settle(verification->watch->user);
    for (size_t i = 0; i < verification->suspects_count && code == REEL_OK; i++) {
        struct findings findings = {0};

        code = look(verification, &verification->suspects[i], &findings, err_out);
        if (code == REEL_OK)
            tell(verification, &verification->suspects[i], &findings);
    }
    verification->suspects_count = 0;
    return code;
}

enum reel_code reel_verify_subject(struct verification *verification, const struct subject *subject,
                                   struct reel_error *err_out)
{
    struct findings findings = {0};
    enum reel_code code = look(verification, subject, &findings, err_out);

    if (code != REEL_OK || findings.count == 0)
        return code;
    if (!verification->watch->settle) {
        tell(verification, subject, &findings);
        return REEL_OK;
    }
    verification->suspects[verification->suspects_count++] = *subject;
    return verification->suspects_count == SUSPECTS_MAX ? resolve(verification, err_out) : REEL_OK;
}

/* The names of one page of rows. */
struct page {
    struct verification *verification;
    size_t count;
    struct subject subjects[PAGE_ROWS];
};

static bool note_row(const struct reel_recording *recording, void *user)
{
    struct page *page = user;
    struct reel_verify_report *report = &page->verification->report;
    struct subject *subject = &page->subjects[page->count++];

    subject->kind = SUBJECT_RECORDING;
    memcpy(subject->device, recording->device, sizeof subject->device);
    memcpy(subject->session, recording->session, sizeof subject->session);
    report->recordings++;
    if (recording->state == REEL_STATE_RECORDING)
        report->open++;
    else if (recording->sha256[0] == '\0')
        report->unhashed++;
    return true;
}

static enum reel_code verify_rows(struct verification *verification, struct reel_error *err_out)
{
    struct reel_list_plan plan = {.sort = REEL_SORT_NAME, .limit = PAGE_ROWS};
    struct reel_list_end end = {.more = true};
    struct page *page = calloc(1, sizeof *page);
    enum reel_code code = REEL_OK;

    if (!page)
        return reel_error_errno(err_out, ENOMEM, "verification");
    page->verification = verification;
    while (code == REEL_OK && end.more) {
        page->count = 0;
        code = reel_catalog_list(verification->catalog, &plan, NULL, note_row, page, &end, err_out);
        for (size_t i = 0; i < page->count && code == REEL_OK; i++)
            code = reel_verify_subject(verification, &page->subjects[i], err_out);
        plan.has_cursor = true;
        plan.cursor = end.after;
    }
    free(page);
    return code;
}

static enum reel_code open_store(struct verification *verification, const char *dir,
                                 struct reel_error *err_out)
{
    char path[PATH_MAX];

    verification->suspects = calloc(SUSPECTS_MAX, sizeof *verification->suspects);
    if (!verification->suspects)
        return reel_error_errno(err_out, ENOMEM, "verification");
    verification->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (verification->dir_fd < 0)
        return reel_error_errno(err_out, errno, "open folder %s", dir);
    verification->recordings_fd =
        openat(verification->dir_fd, "recordings", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (verification->recordings_fd < 0)
        return reel_error_errno(err_out, errno, "open folder %s/recordings", dir);
    verification->quarantine_fd =
        openat(verification->dir_fd, "quarantine", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (verification->quarantine_fd < 0 && errno != ENOENT)
        return reel_error_errno(err_out, errno, "open folder %s/quarantine", dir);
    if (reel_sidecars_create(dir, NULL, &verification->sidecars, err_out) != REEL_OK)
        return REEL_E_STALLED;
    snprintf(path, sizeof path, "%s/catalog.db", dir);
    return reel_catalog_open(path, REEL_CATALOG_READ, &verification->catalog, err_out);
}

static void close_store(struct verification *verification)
{
    const int fds[] = {verification->dir_fd, verification->recordings_fd,
                       verification->quarantine_fd};

    reel_catalog_close(verification->catalog);
    reel_sidecars_destroy(&verification->sidecars);
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) {
        if (fds[i] >= 0)
            close(fds[i]);
    }
    free(verification->suspects);
}

enum reel_code reel_verify_store(const char *dir, const struct reel_verify_watch *watch,
                                 struct reel_verify_report *report_out, struct reel_error *err_out)
{
    struct verification verification = {
        .watch = watch, .dir = dir, .dir_fd = -1, .recordings_fd = -1, .quarantine_fd = -1};
    enum reel_code code = open_store(&verification, dir, err_out);

    if (code == REEL_OK)
        code = verify_rows(&verification, err_out);
    if (code == REEL_OK)
        code = reel_verify_tree(&verification, err_out);
    if (code == REEL_OK)
        code = reel_verify_quarantine(&verification, err_out);
    if (code == REEL_OK)
        code = resolve(&verification, err_out);
    if (code == REEL_OK)
        code = reel_verify_put_aside(&verification, err_out);
    close_store(&verification);
    if (code == REEL_OK)
        *report_out = verification.report;
    return code;
}
