/* Journal: its file, a shared mapping. */
#include "journal.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define JOURNAL_BYTES  ((uint64_t)1 << 30) /* sparse */
#define RESULT_PENDING INT64_MIN

/* The file begins with this. */
struct head {
    char magic[8];
    _Atomic uint64_t end; /* of the last record */
};

/* A record in the file; names and data follow, each filled up to eight bytes. */
struct entry {
    uint32_t bytes; /* with all that follows */
    uint32_t kind;
    _Atomic int64_t result;
    int64_t time_ns;
    uint64_t inode;
    _Atomic uint64_t other;
    int64_t offset;
    uint32_t name_bytes;
    uint32_t other_name_bytes;
    uint64_t data_bytes;
};

static struct {
    uint8_t *bytes;
    char root[PATH_MAX];
    pthread_mutex_t lock;
    long kill_at; /* the number of a sync; 0: none */
    long fail_at;
    long syncs;
    long fails; /* syncs that may be the one that fails */
} journal = {.lock = PTHREAD_MUTEX_INITIALIZER};

void journal_say(const char *what)
{
    char line[256];
    int bytes = snprintf(line, sizeof line, "journal: %s\n", what);

    if (bytes > 0)
        syscall(SYS_write, 2, line, (size_t)bytes);
}

_Noreturn void journal_fail(const char *what)
{
    journal_say(what);
    abort();
}

static long number_of(const char *variable)
{
    const char *text = getenv(variable);

    return text ? strtol(text, NULL, 10) : 0;
}

static void begin_file(struct head *head)
{
    if (memcmp(head->magic, "REELJRN1", 8) == 0)
        return;
    memcpy(head->magic, "REELJRN1", 8);
    head->end = sizeof *head;
}

static __attribute__((constructor)) void open_journal(void)
{
    const char *path = getenv("REEL_JOURNAL");
    const char *root = getenv("REEL_JOURNAL_ROOT");
    struct record start = {.kind = RECORD_START, .inode = (uint64_t)getpid()};
    void *mapped;
    int fd;

    if (!path || !root)
        return;
    fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0 || syscall(SYS_ftruncate, fd, JOURNAL_BYTES) != 0 || !realpath(root, journal.root))
        journal_fail("it does not open");
    mapped = mmap(NULL, JOURNAL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    syscall(SYS_close, fd);
    if (mapped == MAP_FAILED)
        journal_fail("it cannot be mapped");
    journal.bytes = mapped;
    journal.kill_at = number_of("REEL_JOURNAL_KILL_AT_SYNC");
    journal.fail_at = number_of("REEL_JOURNAL_FAIL_AT_SYNC");
    begin_file(mapped);
    journal_result(journal_add(&start), 0, 0);
}

const char *journal_root(void)
{
    return journal.bytes ? journal.root : NULL;
}

void journal_lock(void)
{
    pthread_mutex_lock(&journal.lock);
}

void journal_unlock(void)
{
    pthread_mutex_unlock(&journal.lock);
}

static size_t filled_up(size_t bytes)
{
    return (bytes + 7) / 8 * 8;
}

static uint8_t *put(uint8_t *at, const void *bytes, size_t count)
{
    if (count > 0)
        memcpy(at, bytes, count);
    return at + filled_up(count);
}

static size_t length(const char *name)
{
    return name ? strlen(name) : 0;
}

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

uint64_t journal_add(const struct record *record)
{
    struct head *head = (void *)journal.bytes;
    uint64_t position = head->end;
    struct entry *entry = (void *)(journal.bytes + position);
    size_t name_bytes = length(record->name);
    size_t other_name_bytes = length(record->other_name);
    size_t bytes = sizeof *entry + filled_up(name_bytes) + filled_up(other_name_bytes) +
                   filled_up(record->data_bytes);
    uint8_t *at = (uint8_t *)(entry + 1);

    if (bytes > JOURNAL_BYTES - position || bytes > UINT32_MAX)
        journal_fail("it is full");
    entry->bytes = (uint32_t)bytes;
    entry->kind = record->kind;
    entry->result = RESULT_PENDING;
    entry->time_ns = now_ns();
    entry->inode = record->inode;
    entry->other = record->other;
    entry->offset = record->offset;
    entry->name_bytes = (uint32_t)name_bytes;
    entry->other_name_bytes = (uint32_t)other_name_bytes;
    entry->data_bytes = record->data_bytes;
    at = put(at, record->name, name_bytes);
    at = put(at, record->other_name, other_name_bytes);
    put(at, record->data, record->data_bytes);
    head->end = position + bytes;
    if (record->kind == RECORD_SYNC_BEGIN && ++journal.syncs == journal.kill_at)
        raise(SIGKILL);
    return position;
}

bool journal_sync_fails(const char *path)
{
    const char *end = getenv("REEL_JOURNAL_FAIL_ON");
    size_t bytes = length(path);

    if (end && (bytes < strlen(end) || strcmp(path + bytes - strlen(end), end) != 0))
        return false;
    return ++journal.fails == journal.fail_at;
}

void journal_result(uint64_t position, int64_t result, uint64_t made)
{
    struct entry *entry = (void *)(journal.bytes + position);

    if (made != 0)
        entry->other = made;
    entry->result = result;
}
