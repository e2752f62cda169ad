/* Bounds that the protocol fixes, and the settings' defaults (protocol.md, "Defaults"). */
#ifndef REEL_BASE_LIMITS_H
#define REEL_BASE_LIMITS_H

#define REEL_KIB (1024ull)
#define REEL_MIB (1024ull * 1024)

/* Names: {device}, {session}, {boot}: 1 to 64 characters; the arrays hold the terminator too. */
#define REEL_NAME_BYTES 65

#define REEL_CHANNELS_MAX     64u
#define REEL_RATE_MAX         768000u
#define REEL_SAMPLE_BYTES_MAX 8u

#define REEL_REPLY_TOPIC_MAX_BYTES  256
#define REEL_REPLY_TOPIC_MAX_LEVELS 16

#define REEL_TAGS_MAX        32
#define REEL_TAG_NAME_BYTES  64  /* longest name of a tag */
#define REEL_TAG_VALUE_BYTES 256 /* longest string value of a tag */

/* MessagePack and JSON: a stranger's nesting, and the largest number a float may stand for. */
#define REEL_NESTING_MAX     16
#define REEL_FLOAT_WHOLE_MAX 9007199254740992.0 /* 2^53 */

/* What the tree of a fragment in JSON may take of memory: an array of samples in two bytes each
 * takes 25 times its text. */
#define REEL_JSON_TREE_BYTES(text_bytes) (REEL_MIB + 26 * (text_bytes))

/* `seq`, `frame` and `time` stay below 2^62, so that sums with a size never wrap. */
#define REEL_NUMBER_MAX (1ull << 62)

#define REEL_LIST_LIMIT_DEFAULT 100u
#define REEL_LIST_LIMIT_MAX     1000u
#define REEL_LIST_COUNT_MAX     10000u

#define REEL_BLOCK_BYTES_DEFAULT   (64 * REEL_KIB)
#define REEL_BLOCK_BYTES_MAX       (1 * REEL_MIB)
#define REEL_DOWNLOAD_LENGTH_MAX   (1 * REEL_MIB)
#define REEL_REQUEST_MAX_BYTES     (64 * REEL_KIB) /* a request's payload */
#define REEL_CORRELATION_MAX_BYTES 1024

/* Uploads that came in one message and wait to become recordings. */
#define REEL_UPLOADS_WAITING_MAX 1024u

/* Uniform fragments that a stretch must hold before a gap's length is inferred from `seq`. */
#define REEL_INFER_FRAGMENTS_MIN 8u

/* Runs and stretches a recording keeps in detail (core/recording.h says what follows). */
#define REEL_RUNS_MAX      65536u
#define REEL_STRETCHES_MAX 4096u

/* How many parts of a long session an acknowledgement looks back at for what is missing. */
#define REEL_EARLIER_PARTS_MAX 8u

/* Durable messages that are remembered in case the broker delivers them again, and the batches that
 * they came in. */
#define REEL_DELIVERIES_MAX       32768u
#define REEL_DELIVERY_BATCHES_MAX 256u

#endif
