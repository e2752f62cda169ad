/* Verify, inside: verify.c goes over the store and decides what is told, verify_recording.c looks
 * at one recording, verify_sidecar.c at its sidecar, verify_files.c at what no row speaks of,
 * verify_aside.c at what was put aside. */
#ifndef REEL_STORE_VERIFY_INTERNAL_H
#define REEL_STORE_VERIFY_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "core/recording.h"
#include "store/catalog.h"
#include "store/sidecar.h"
#include "store/verify.h"

/* What one look is at. */
enum subject_kind {
    SUBJECT_RECORDING, /* a row and its files */
    SUBJECT_WAV,       /* a WAV file that should have a row */
    SUBJECT_SIDECAR,   /* a sidecar without a WAV file beside it */
    SUBJECT_PAYLOAD,   /* what is in quarantine under one id */
};

struct subject {
    enum subject_kind kind;
    char device[REEL_NAME_BYTES];
    char session[REEL_NAME_BYTES];
    uint64_t quarantine_id;
};

enum { SUSPECTS_MAX = 1024, WHERE_BYTES = 2 * REEL_NAME_BYTES, HOW_BYTES = 384 };

struct verification {
    const struct reel_verify_watch *watch;
    const char *dir;
    struct reel_catalog *catalog;
    struct reel_sidecars *sidecars;
    int dir_fd;
    int recordings_fd;
    int quarantine_fd; /* -1 where there is none */
    struct reel_verify_report report;
    struct subject *suspects; /* what differed at the first look */
    size_t suspects_count;
};

/* What was found at one look. */
struct finding {
    enum reel_difference what;
    char how[HOW_BYTES];
};
struct findings {
    size_t count;
    struct finding items[REEL_DIFFERS_COUNT]; /* one of each kind at most */
};

/* Add one; a second one of the same kind is left out. */
void reel_finding_add(struct findings *findings, enum reel_difference what, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* One look at the rows and files of a recording as the catalog has it; at its sidecar alone. What
 * cannot be read is a finding too. */
void reel_verify_recording(struct verification *verification,
                           const struct reel_recording *recording, struct findings *findings);
void reel_verify_sidecar(struct verification *verification, const struct reel_recording *row,
                         struct findings *findings);

/* One look at a file that may have no row, or at a payload. STALLED or INTERNAL: the catalog or a
 * folder fails. */
enum reel_code reel_verify_file(struct verification *verification, const struct subject *subject,
                                struct findings *findings, struct reel_error *err_out);

/* Look at a subject, now or with the suspects. */
enum reel_code reel_verify_subject(struct verification *verification, const struct subject *subject,
                                   struct reel_error *err_out);

/* Find the files of recordings/ that have no row, the payloads, and what was put aside. */
enum reel_code reel_verify_tree(struct verification *verification, struct reel_error *err_out);
enum reel_code reel_verify_quarantine(struct verification *verification,
                                      struct reel_error *err_out);
enum reel_code reel_verify_put_aside(struct verification *verification, struct reel_error *err_out);

#endif
