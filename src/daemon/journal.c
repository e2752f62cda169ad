/* Journal: lines as fields. */
#include "daemon/journal.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#define SD_JOURNAL_SUPPRESS_LOCATION 1
#include <systemd/sd-journal.h>

#include "core/line_limit.h"
#include "io/loop.h"

enum { FIELDS_MAX = 6, FIELD_BYTES = REEL_LOG_LINE_BYTES + 32 };

struct reel_journal {
    pthread_mutex_t mutex; /* of the limit */
    struct reel_line_limit *limit;
    bool is_journal; /* standard error is connected to it */
    bool prefix;     /* of lines to standard error */
};

/* systemd says in $JOURNAL_STREAM which descriptor leads there, since others may be inherited. */
bool reel_journal_is_stderr(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    uintmax_t device, inode;
    struct stat status;

    return stream && sscanf(stream, "%ju:%ju", &device, &inode) == 2 &&
           fstat(STDERR_FILENO, &status) == 0 && status.st_dev == device && status.st_ino == inode;
}

struct fields {
    struct iovec items[FIELDS_MAX];
    int count;
    char texts[FIELDS_MAX][FIELD_BYTES];
};

static void put(struct fields *fields, const char *name, const char *value)
{
    char *text = fields->texts[fields->count];

    if (!value || !value[0])
        return;
    snprintf(text, FIELD_BYTES, "%s=%s", name, value);
    fields->items[fields->count++] = (struct iovec){text, strlen(text)};
}

static bool send_to_journal(const struct reel_log_line *line)
{
    const struct reel_log_subject *subject = line->subject;
    struct fields fields = {.count = 0};
    char number[24];

    put(&fields, "MESSAGE", line->text);
    snprintf(number, sizeof number, "%d", (int)line->priority);
    put(&fields, "PRIORITY", number);
    if (subject) {
        put(&fields, "REEL_DEVICE", subject->device);
        put(&fields, "REEL_SESSION", subject->session);
        put(&fields, "REEL_REASON", subject->reason);
    }
    if (subject && subject->has_seq) {
        snprintf(number, sizeof number, "%" PRIu64, subject->seq);
        put(&fields, "REEL_SEQ", number);
    }
    return sd_journal_sendv(fields.items, fields.count) == 0;
}

/* What the journal does not take goes to standard error, which leads to it too. */
static void write_out(const struct reel_journal *journal, const struct reel_log_line *line)
{
    if (!journal->is_journal || !send_to_journal(line))
        reel_log_to_stderr(line, journal->prefix);
}

static void tell_left_out(struct reel_journal *journal, bool all)
{
    struct reel_left_out left_out = {.count = 0};
    bool more = true;

    while (more) {
        const struct reel_log_subject subject = {.device = left_out.device};
        char text[REEL_LOG_LINE_BYTES];
        struct reel_log_line line = {.text = text, .subject = &subject, .format = "left out"};

        pthread_mutex_lock(&journal->mutex);
        more = reel_line_limit_take(journal->limit, reel_monotonic_us(), all, &left_out);
        pthread_mutex_unlock(&journal->mutex);
        if (!more)
            return;
        snprintf(text, sizeof text, "%" PRIu64 " more such lines were left out, the last: %s",
                 left_out.count, left_out.text);
        line.priority = (enum reel_log_priority)left_out.priority;
        write_out(journal, &line);
    }
}

/* Lines about a device are of one kind where their format is, since the names in them differ;
 * others where their text is, since many have the format "%s". Who asks for lines for debugging
 * wants all.
 */
static bool passes(struct reel_journal *journal, const struct reel_log_line *line)
{
    const char *device = line->subject && line->subject->device ? line->subject->device : "";
    const struct reel_repeating_line repeating = {
        .device = device,
        .kind = device[0] ? line->format : line->text,
        .text = line->text,
        .priority = (int)line->priority,
    };
    bool passed;

    /* What the sink says of itself then answers an administrator, or happened once. */
    if (line->priority >= REEL_LOG_DEBUG || (!line->subject && line->priority == REEL_LOG_NOTICE))
        return true;
    pthread_mutex_lock(&journal->mutex);
    passed = reel_line_limit_passes(journal->limit, &repeating, reel_monotonic_us());
    pthread_mutex_unlock(&journal->mutex);
    return passed;
}

static void take_line(const struct reel_log_line *line, void *user)
{
    struct reel_journal *journal = user;

    if (passes(journal, line))
        write_out(journal, line);
}

struct reel_journal *reel_journal_create(struct reel_log *log)
{
    struct reel_journal *journal = calloc(1, sizeof *journal);

    if (!journal)
        return NULL;
    journal->limit = reel_line_limit_create();
    if (!journal->limit || pthread_mutex_init(&journal->mutex, NULL) != 0) {
        reel_line_limit_destroy(&journal->limit);
        free(journal);
        return NULL;
    }
    journal->is_journal = reel_journal_is_stderr();
    journal->prefix = log->prefix;
    log->sink = take_line;
    log->user = journal;
    return journal;
}

void reel_journal_destroy(struct reel_journal **journal, struct reel_log *log)
{
    struct reel_journal *gone = *journal;

    if (!gone)
        return;
    log->sink = NULL;
    log->user = NULL;
    tell_left_out(gone, true);
    pthread_mutex_destroy(&gone->mutex);
    reel_line_limit_destroy(&gone->limit);
    free(gone);
    *journal = NULL;
}

void reel_journal_tick(const struct reel_log *log)
{
    if (log->sink == take_line)
        tell_left_out(log->user, false);
}
