/* Journal: what a program does to one folder and says on its sockets, in the order in which it
 * happens, in a file that outlives the program however that ends. A record stands there before its
 * call is made, and gets the call's result after it, so one call at most is in doubt when a program
 * is killed. Little-endian; read by tests/torture/journal.py. */
#ifndef REEL_TORTURE_JOURNAL_H
#define REEL_TORTURE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum record_kind {
    RECORD_START = 1,  /* a program begins */
    RECORD_CREATE,     /* a file: `inode`/`name` becomes `other` */
    RECORD_WRITE,      /* `data` at `offset` of `inode` */
    RECORD_TRUNCATE,   /* `inode` to `offset` bytes */
    RECORD_RENAME,     /* `inode`/`name` to `other`/`other_name` */
    RECORD_UNLINK,     /* `inode`/`name`, a file or a folder */
    RECORD_MKDIR,      /* `inode`/`name` becomes `other` */
    RECORD_SYNC_BEGIN, /* of `inode`; `offset` is one of sync_kind */
    RECORD_SYNC_END,   /* that of the sync whose record stands at `offset` */
    RECORD_TIME,       /* `inode` was last changed `offset` ns after 1970 */
    RECORD_SEND,       /* `data` on the socket `inode` */
};

enum sync_kind { SYNC_FILE, SYNC_DATA, SYNC_ALL };

struct record {
    enum record_kind kind;
    uint64_t inode;
    uint64_t other;
    int64_t offset;
    const char *name; /* NULL: none */
    const char *other_name;
    const void *data;
    size_t data_bytes;
};

/* Where the folder is, with its links resolved; NULL where nothing is to be journaled. The journal
 * is the file that REEL_JOURNAL names, the folder is REEL_JOURNAL_ROOT. The
 * program is killed before its sync number REEL_JOURNAL_KILL_AT_SYNC, and that of the number
 * REEL_JOURNAL_FAIL_AT_SYNC fails, where these are set. */
const char *journal_root(void);

/* One call at a time: held from before a record is added until its result is known, by all calls
 * but syncs, which other threads may write during. */
void journal_lock(void);
void journal_unlock(void);

/* Add a record; returns where it stands. Ends the program where there is no room. */
uint64_t journal_add(const struct record *record);

/* Tell the result of its call, -1 for a failure, and what was made. */
void journal_result(uint64_t position, int64_t result, uint64_t made);

/* Whether a sync of the file `path` is to fail. Only those count whose path ends in what
 * REEL_JOURNAL_FAIL_ON says. Under the lock. */
bool journal_sync_fails(const char *path);

/* Say it where the program logs. */
void journal_say(const char *what);

/* End the program: it did what the journal cannot tell. */
_Noreturn void journal_fail(const char *what);

#endif
