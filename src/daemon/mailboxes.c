/* Mailboxes: how much each holds, and what becomes of what is left in it. */
#include "daemon/mailboxes.h"

#include <stdlib.h>

#include "daemon/change.h"
#include "daemon/notice.h"
#include "store/discard.h"

enum { NOTICES_MAX = 65536, NOTICES_MAX_BYTES = 12 << 20, JOBS_MAX = 4 };
enum { CHANGES_MAX = 1024, CHANGES_MAX_BYTES = 4 << 20 };
enum { DISCARDS_MAX = 65536 };

static void release_notice(void *notice)
{
    reel_notice_destroy(notice);
}

static void release_change(void *change)
{
    reel_change_destroy(change);
}

static void release_discard(void *discard)
{
    reel_discard_leave(discard);
    free(discard);
}

enum reel_code reel_mailboxes_init(struct reel_mailboxes *boxes, struct reel_error *err_out)
{
    boxes->notices = reel_mailbox_create(NOTICES_MAX, NOTICES_MAX_BYTES);
    boxes->changes = reel_mailbox_create(CHANGES_MAX, CHANGES_MAX_BYTES);
    boxes->jobs = reel_mailbox_create(JOBS_MAX, 0);
    boxes->hashes = reel_mailbox_create(JOBS_MAX, 0);
    boxes->import_jobs = reel_mailbox_create(JOBS_MAX, 0);
    boxes->imports = reel_mailbox_create(JOBS_MAX, 0);
    boxes->discards = reel_mailbox_create(DISCARDS_MAX, 0);
    if (!boxes->notices || !boxes->changes || !boxes->jobs || !boxes->hashes ||
        !boxes->import_jobs || !boxes->imports || !boxes->discards)
        return reel_error_set(err_out, REEL_E_INTERNAL, NULL, "out of memory");
    return REEL_OK;
}

void reel_mailboxes_finish(struct reel_mailboxes *boxes)
{
    reel_mailbox_destroy(&boxes->notices, release_notice);
    reel_mailbox_destroy(&boxes->changes, release_change);
    reel_mailbox_destroy(&boxes->jobs, free);
    reel_mailbox_destroy(&boxes->hashes, free);
    reel_mailbox_destroy(&boxes->import_jobs, free);
    reel_mailbox_destroy(&boxes->imports, free);
    reel_mailbox_destroy(&boxes->discards, release_discard);
}
