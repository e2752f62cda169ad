/* Verify: whether the store is what its catalog says. Looks at everything and changes nothing, so
 * it may be run beside the sink that writes to the store.
 *
 * Of every recording: the file is there, can be read and is a WAV file of that id and format; it
 * holds the frames that the catalog claims; the catalog's stretches and gaps make up the file; the
 * sidecar is there, can be read and says nothing that the catalog has lost. Of a complete one
 * besides: the header declares the file's length, nothing stands behind it, the sidecar says the
 * same (only its sha256 may be wanting: a crash right after the sum was made leaves that), and the
 * sha256 of the file as it is now is the one that was made when it was complete. Of an open one the
 * header and the sidecar may lag, and what stands behind the committed frames is not looked at.
 *
 * Of the rest: files without a row; quarantined payloads without a row and the other way round.
 * What is in recovered/ is listed.
 *
 * While a sink writes, something may be half done at the moment it is looked at. So whatever
 * differs is looked at a second time, after `settle`, and only told if it still does and the
 * recording has not changed meanwhile. */
#ifndef REEL_STORE_VERIFY_H
#define REEL_STORE_VERIFY_H

#include <stdint.h>

#include "base/err.h"

enum reel_difference {
    REEL_DIFFERS_FILE_MISSING,    /* a row without its file */
    REEL_DIFFERS_FILE_UNREADABLE, /* it cannot be opened or read */
    REEL_DIFFERS_HEADER,          /* it does not begin as a file of ours */
    REEL_DIFFERS_ID,              /* it is another recording's file */
    REEL_DIFFERS_FORMAT,
    REEL_DIFFERS_SIZES, /* the header declares another length */
    REEL_DIFFERS_SHORT, /* the file lacks frames */
    REEL_DIFFERS_LONG,  /* a complete one has bytes behind its end */
    REEL_DIFFERS_SHA256,
    REEL_DIFFERS_CATALOG, /* the rows of a recording contradict each other */
    REEL_DIFFERS_SIDECAR_MISSING,
    REEL_DIFFERS_SIDECAR_DAMAGED,
    REEL_DIFFERS_SIDECAR, /* sidecar and catalog say different things */
    REEL_DIFFERS_NO_ROW,  /* a file that the catalog does not know */
    REEL_DIFFERS_PAYLOAD_MISSING,
    REEL_DIFFERS_PAYLOAD_SIZE,
    REEL_DIFFERS_COUNT
};

/* "file-missing", "file-unreadable", "header", ... Static storage. */
const char *reel_difference_name(enum reel_difference difference);

/* Who is told. Strings are borrowed for the call. */
struct reel_verify_watch {
    void *user;
    /* `where` is "DEVICE/SESSION", or "quarantine" for a payload; `how` is one line of text. */
    void (*differs)(void *user, const char *where, enum reel_difference what, const char *how);
    /* A file below store.dir that recovery put aside; `why` may be "". */
    void (*put_aside)(void *user, const char *file, const char *why);
    /* Audio of a file below store.dir that was gone when the sink last started. */
    void (*lost)(void *user, const char *file, const char *why);
    /* Bytes of a complete recording's file that have been read. NULL: nobody asks. */
    void (*progress)(void *user, const char *where, uint64_t done_bytes, uint64_t total_bytes);
    /* Return when a sink that may be running has had time to finish what was under way; called
     * before what differs is looked at again, seldom. NULL: no sink runs, one look is enough. */
    void (*settle)(void *user);
};

struct reel_verify_report {
    uint64_t recordings;
    uint64_t open;      /* of them, in state recording */
    uint64_t unhashed;  /* of them, complete but without a sha256 yet */
    uint64_t unsettled; /* of them, changing whenever they were looked at: not told of */
    uint64_t payloads;  /* in quarantine */
    uint64_t put_aside; /* files in recovered/ */
    uint64_t lost;      /* notes there of audio that is gone */
    uint64_t hashed_bytes;
    uint64_t differences;
};

/* Look at the whole store in `dir`. OK whatever differs. STALLED where there is no catalog that
 * can be opened, or a folder or the memory fails; INTERNAL where the catalog is damaged beyond one
 * recording; what was told until then holds. */
enum reel_code reel_verify_store(const char *dir, const struct reel_verify_watch *watch,
                                 struct reel_verify_report *report_out, struct reel_error *err_out);

#endif
