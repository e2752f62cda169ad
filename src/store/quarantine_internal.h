/* Quarantine, its own part: the struct, and the payloads' files. Private to quarantine*.c. */
#ifndef REEL_STORE_QUARANTINE_INTERNAL_H
#define REEL_STORE_QUARANTINE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/quarantine.h"

struct reel_id_list {
    uint64_t *ids;
    size_t count;
    size_t capacity;
};

struct reel_quarantine {
    struct reel_catalog *catalog; /* borrowed */
    int fd;                       /* the folder */
    bool syncfs;                  /* it counts here, and may be used */
    const struct reel_sync *sync; /* borrowed */
    uint64_t max_bytes;
    uint64_t count; /* with what the batch put there and removed */
    uint64_t bytes;
    uint64_t batch_first_id; /* the first that this batch put there; 0 for none */
    uint64_t searched_to;    /* nothing up to here can make room in this batch */
    struct reel_id_list written;
    struct reel_id_list removed;
};

/* STALLED. */
enum reel_code reel_quarantine_no_memory(struct reel_error *err_out);

/* The id of a payload's file name; false for any other name. */
bool reel_payload_parse_name(const char *name, uint64_t *quarantine_id_out);

/* Verbs on one payload's file in the folder `fd`. Writing does not sync. Reading appends to
 * `payload_out`; NOT_FOUND. Removing one that is gone already is no failure. */
enum reel_code reel_payload_write(int fd, uint64_t quarantine_id, const void *payload,
                                  uint64_t bytes, struct reel_error *err_out);
/* By a second name, where the file system has such, for the file `name` in `from_fd`. */
enum reel_code reel_payload_link(int fd, uint64_t quarantine_id, int from_fd, const char *name,
                                 uint64_t bytes, struct reel_error *err_out);
enum reel_code reel_payload_read(int fd, uint64_t quarantine_id, struct reel_buffer *payload_out,
                                 struct reel_error *err_out);
enum reel_code reel_payload_sync(int fd, uint64_t quarantine_id, struct reel_error *err_out);
enum reel_code reel_payload_remove(int fd, uint64_t quarantine_id, struct reel_error *err_out);

/* Whether the folder holds that payload, `bytes` long. */
enum reel_code reel_payload_stands(int fd, uint64_t quarantine_id, uint64_t bytes, bool *stands_out,
                                   struct reel_error *err_out);

#endif
