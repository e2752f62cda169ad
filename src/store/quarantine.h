/* Quarantine: refused payloads, byte for byte, one file each under {store.dir}/quarantine/,
 * bounded in bytes, the oldest out first. Rows are the catalog's. */
#ifndef REEL_STORE_QUARANTINE_H
#define REEL_STORE_QUARANTINE_H

#include "base/err.h"
#include "store/catalog.h"
#include "store/store.h"
#include "wire/message.h"

struct reel_quarantine;

/* At most as many rows as there are: files of a few bytes take a block each, so that bytes alone
 * would not bound what they take of the disk. */
enum { REEL_QUARANTINE_ROWS_MAX = 16384 };

/* Open `{dir}/quarantine` (made if missing). Files without a row are removed, rows without their
 * file lose their payload. `catalog` is borrowed, and has no transaction open; `sync` is
 * borrowed, and says how to sync. */
enum reel_code reel_quarantine_open(const char *dir, struct reel_catalog *catalog,
                                    uint64_t max_bytes, const struct reel_sync *sync,
                                    struct reel_quarantine **quarantine_out,
                                    struct reel_error *err_out);
void reel_quarantine_close(struct reel_quarantine *quarantine); /* accepts NULL */

/* Keep at most so much from now on; what is there above that goes when the next comes. */
void reel_quarantine_limit(struct reel_quarantine *quarantine, uint64_t max_bytes);

/* Within the catalog's transaction: see reel_store_quarantine, reel_store_unquarantine. Where the
 * oldest may not go, the payload is kept as a row only. After any error but NOT_FOUND the
 * transaction must be rolled back and the quarantine opened anew. */
enum reel_code reel_quarantine_put(struct reel_quarantine *quarantine,
                                   const struct reel_reject *reject, const void *payload,
                                   uint64_t *quarantine_id_out, struct reel_error *err_out);
/* The same with the file `name` in the folder `from_fd`, which stays, for its payload. */
enum reel_code reel_quarantine_put_file(struct reel_quarantine *quarantine,
                                        const struct reel_reject *reject, int from_fd,
                                        const char *name, uint64_t *quarantine_id_out,
                                        struct reel_error *err_out);
enum reel_code reel_quarantine_take(struct reel_quarantine *quarantine, uint64_t quarantine_id,
                                    struct reel_buffer *payload_out, struct reel_error *err_out);

/* Before the catalog's commit: sync the files that the batch put there, and the folder. After it:
 * unlink what the batch removed. */
enum reel_code reel_quarantine_sync(struct reel_quarantine *quarantine, struct reel_error *err_out);
enum reel_code reel_quarantine_committed(struct reel_quarantine *quarantine,
                                         struct reel_error *err_out);

/* Read one payload, for readers. NOT_FOUND. */
enum reel_code reel_quarantine_read(const char *dir, uint64_t quarantine_id,
                                    struct reel_buffer *payload_out, struct reel_error *err_out);

void reel_quarantine_totals(const struct reel_quarantine *quarantine, uint64_t *count_out,
                            uint64_t *bytes_out);

#endif
