/* Ingest, inside: what all its files share: the batch and the message under way. ingest.c has the
 * loop, ingest_connection.c the connection, ingest_delivery.c what comes by it once more,
 * ingest_batch.c the batch and its commit, ingest_hash.c the sums of what is complete,
 * ingest_settings.c newer settings, ingest_message.c what came in, ingest_refuse.c what of it is
 * refused. Where audio goes is in ingest_audio.h, what becomes of recordings otherwise in
 * ingest_changes.h. */
#ifndef REEL_DAEMON_INGEST_INTERNAL_H
#define REEL_DAEMON_INGEST_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/allowance.h"
#include "core/clock_watch.h"
#include "core/describe.h"
#include "core/devices.h"
#include "core/place.h"
#include "core/rate.h"
#include "core/reject_limit.h"
#include "core/rules.h"
#include "daemon/acks.h"
#include "daemon/answer.h"
#include "daemon/change.h"
#include "daemon/connection.h"
#include "daemon/ingest.h"
#include "daemon/notice.h"
#include "daemon/part_memory.h"
#include "daemon/satellites.h"
#include "daemon/service.h"
#include "io/bus.h"
#include "wire/fragment.h"
#include "wire/topic.h"

/* Messages that one batch takes at most; below the Receive Maximum, so that the broker never waits
 * for an acknowledgement that waits for the broker. */
#define REEL_BATCH_MESSAGES_MAX 16384u

/* What was taken in since the last commit. */
struct reel_batch {
    bool open;        /* something was taken in or staged */
    bool removes;     /* recordings; it takes in nothing else */
    bool large_json;  /* came, whose values took many small pieces of memory */
    int64_t since_us; /* monotonic */
    int64_t hurry_us; /* somebody waits: it closes then at the latest */
    size_t messages;
    uint64_t bytes;      /* that came, and silence for gaps */
    uint64_t kept_bytes; /* what waits for the commit: correlation data, notices, answers */
    struct reel_delivery *deliveries; /* QoS 1 messages, REEL_BATCH_MESSAGES_MAX places */
    size_t deliveries_count;
    struct reel_notice **notices; /* events, told after the commit */
    size_t notices_count;
    size_t notices_capacity;
    struct reel_answer **answers; /* to requests, told after the commit, or that it failed */
    size_t answers_count;
    size_t answers_capacity;
};

/* The messages of the last durable batches that the broker may deliver once more, in order. */
struct reel_redelivery {
    struct reel_delivery *deliveries;
    size_t count;
    size_t at;
};

/* How much more a device's recordings may take, at least: what is deleted makes room that is seen
 * once this is used up. */
struct reel_budget {
    uint64_t left_bytes;
};

enum { REEL_UNMET_BYTES = 192 };

/* Where retention is at. */
enum reel_sweep_phase { REEL_SWEEP_REST, REEL_SWEEP_ALL, REEL_SWEEP_AGE, REEL_SWEEP_DEVICES };
struct reel_sweep {
    bool by_pass;                 /* there are bounds besides that on the disk's room ... */
    bool by_device;               /* ... for some devices ... */
    bool ages_differ;             /* ... on the age among them */
    enum reel_sweep_phase phase;  /* of the pass under way */
    char device[REEL_NAME_BYTES]; /* REEL_SWEEP_DEVICES: it has come this far */
    int64_t next_pass_us;
    uint64_t lacking_bytes; /* room that is still to be made */
    uint64_t spare_bytes;   /* room there was, without what was written since */
    struct reel_removable_place at;
    int64_t next_look_us;              /* at the disk */
    char unmet_pass[REEL_UNMET_BYTES]; /* why a bound does not hold; "" where all do */
    char unmet_free[REEL_UNMET_BYTES];
    bool by_age;                   /* a bound on the age is set, for some devices at least */
    bool clock_known;              /* what the watch begins with was read */
    int64_t wall_us;               /* as the watch was shown it */
    struct reel_clock_watch clock; /* while it is doubted nothing is too old */
    char unmet[REEL_UNMET_BYTES];  /* of both what was told */
};

/* Where the watch for silent devices is at. */
struct reel_silence_watch {
    bool known;        /* before_us is */
    int64_t before_us; /* core/silence.h */
    bool passing;
    char device[REEL_NAME_BYTES]; /* a pass has come this far */
    int64_t next_us;              /* monotonic: the next; 0: there was none */
    int64_t offset_us;            /* of the wall clock when it was last looked at ... */
    int64_t jumped_us;            /* ... and, monotonic, when it had jumped since */
};

struct reel_ingest {
    struct reel_ingest_links links;
    struct reel_store *store; /* NULL while the disk fails */
    struct reel_bus *bus;     /* NULL while there is no connection */
    struct reel_acks *acks;
    struct reel_reject_limit *rejects;
    struct reel_rate *beginnings;
    struct reel_part_memory *parts;
    struct reel_allowance *fragments; /* rules.max_fragments_per_s */
    struct reel_devices *budgets;     /* struct reel_budget: rules.max_bytes */
    struct reel_scratch scratch;
    struct reel_scratch candidate_scratch;
    struct reel_batch batch;
    struct reel_redelivery redelivery;
    struct reel_short *shorts;       /* complete, but too short: to be removed after the batch */
    struct reel_deletion *deletions; /* that go on between batches */
    size_t deletions_count;
    struct reel_sweep sweep;
    struct reel_silence_watch silence;
    bool hashing;   /* a job is with the hashing thread: one at a time */
    bool importing; /* an upload is with the importing thread: one at a time */
    uint64_t importing_id;
    int64_t expire_next_us;       /* monotonic: uploads are looked at for their age then */
    struct reel_waiting *waiting; /* who asks what becomes of an upload: a list */
    struct reel_satellites *satellites;
    bool satellites_known; /* those whose recordings the store had open are among them */
    bool subscribed;
    bool taken_over;
    bool ending; /* it ends the connection itself */
    bool lost;   /* the connection ended: `lost_reason` says why */
    char lost_reason[REEL_CONNECTION_TEXT_BYTES];
    bool suspect; /* the catalog may be damaged: that is looked at when the store is opened */
    bool failed;  /* the batch cannot be made durable: `failure` says why */
    struct reel_error failure;
    int64_t subscribed_us;       /* monotonic: nothing is idle that could not be heard */
    struct reel_backoff backoff; /* of connecting, and of opening the store */
    struct reel_watchdog watchdog;
};

/* One message on its way. */
struct reel_arrival {
    const struct reel_bus_message *message;
    struct reel_topic topic;
    enum reel_code topic_code; /* what taking it apart said, with the error where it failed */
    struct reel_error topic_error;
    struct reel_fragment fragment;
    bool redelivered;         /* it was taken in by a batch that is durable */
    bool refused;             /* ... and refused */
    bool satellite;           /* a frame of Hermes ... */
    bool timed;               /* ... whose session is named by when it began */
    struct reel_entry *ended; /* the site's session before it, if that is open; NULL: none */
    enum reel_end_reason ended_reason;
    struct reel_rules rules; /* of its device; as is_flood: once it was decoded */
    bool is_flood;           /* over rules.max_fragments_per_s */
    char reply_topic[REEL_REPLY_TOPIC_MAX_BYTES + 1]; /* checked; "" for none */
    enum reel_document_kind reply_kind;
    int64_t wall_us;
    int64_t monotonic_us;
};

/* ingest_connection.c */

/* Try to connect; what fails is told, and tried again after a wait. */
void reel_ingest_connect(struct reel_ingest *ingest);

/* Give the connection up, and wait before the next. `reason` is told as the sink's state. */
void reel_ingest_disconnect(struct reel_ingest *ingest, const char *reason);

/* Let the responder know whether audio is taken in; "" is no reason, or that retention cannot hold
 * its bounds. */
void reel_ingest_tell(struct reel_ingest *ingest, const char *reason);

/* ingest_delivery.c */

/* Expect once more what the last durable batches took in: their acknowledgements may not have
 * arrived. */
void reel_redelivery_expect(struct reel_ingest *ingest);

/* The broker begins anew, and counts its packets from the start. Where the store fails,
 * `ingest->failed` is set. */
void reel_redelivery_forget(struct reel_ingest *ingest);

/* Expect nothing once more. */
void reel_redelivery_drop(struct reel_redelivery *redelivery);

/* The batch takes the message in; note whether it comes once more. */
void reel_ingest_note_delivery(struct reel_ingest *ingest, struct reel_arrival *arrival);

/* The message under way, which was noted last, was refused. */
void reel_ingest_note_refusal(struct reel_batch *batch, const struct reel_arrival *arrival);

/* ingest_batch.c */

enum reel_code reel_batch_init(struct reel_batch *batch);
void reel_batch_finish(struct reel_batch *batch);

/* Something is in the batch from now on. */
void reel_batch_open(struct reel_batch *batch, int64_t monotonic_us);

/* It closes at that time at the latest. */
void reel_batch_hurry(struct reel_batch *batch, int64_t monotonic_us);

/* Tell the answer, which is taken over, once the batch is durable; where it fails, that it did. */
void reel_ingest_answer(struct reel_ingest *ingest, struct reel_answer *answer);

/* The same at once, of what no batch has to do with. */
void reel_ingest_tell_answer(struct reel_ingest *ingest, struct reel_answer *answer);

/* Tell of an event once the batch is durable; takes over the document (NULL is memory run out).
 * An event that cannot be kept is counted as dropped. */
void reel_ingest_event(struct reel_ingest *ingest, const char *device, const char *session,
                       json_t *event);

/* Whether the batch takes no more: messages, bytes, or its time is over. */
bool reel_batch_full(const struct reel_ingest *ingest, int64_t monotonic_us);
int64_t reel_batch_deadline_us(const struct reel_ingest *ingest);

/* Make it durable, then send acknowledgements and events. On failure `ingest->failed` is set. */
void reel_ingest_commit(struct reel_ingest *ingest);

/* Forget it, with its acknowledgements and events. */
void reel_ingest_drop(struct reel_ingest *ingest);

/* Mark the batch as failed with what `error` says; returns its code. */
enum reel_code reel_ingest_fail(struct reel_ingest *ingest, const struct reel_error *error);

/* The same where memory ran out. */
void reel_ingest_fail_memory(struct reel_ingest *ingest);

/* ingest_hash.c */

/* Hand completed recordings to the hashing thread, and take in what it made. */
void reel_ingest_hashing(struct reel_ingest *ingest);

/* ingest_settings.c */

/* Take newer settings over, if there are any, once no batch is open. */
void reel_ingest_settings(struct reel_ingest *ingest);

/* ingest_message.c */

/* The bus's handler: one fragment, from topic to acknowledgement. */
void reel_ingest_message(void *ingest, const struct reel_bus_message *message);

/* ingest_refuse.c */

/* Refuse it: count, quarantine, event, answer. `entry` may be NULL. Returns the id it has in
 * quarantine, 0 if the batch failed or it was a redelivery. */
uint64_t reel_ingest_refuse(struct reel_ingest *ingest, const struct reel_arrival *arrival,
                            struct reel_entry *entry, const struct reel_error *error);

/* Put the message under way into quarantine, counted and told; 0 if the batch failed. */
uint64_t reel_ingest_reject(struct reel_ingest *ingest, const struct reel_arrival *arrival,
                            const struct reel_error *error);

/* Count what was refused and put into quarantine, log it, and have it told. `numbers` are the
 * fragment's; NULL: it has none. */
void reel_ingest_note_rejected(struct reel_ingest *ingest, const char *device, const char *session,
                               const struct reel_numbers *numbers, const struct reel_error *error,
                               uint64_t quarantine_id);

#endif
