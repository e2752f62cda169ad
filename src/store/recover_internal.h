/* Recover, inside: what its parts share. recover_tree.c finds what is to be done (in the
 * folders of recover_folders.c, by the names of recover_names.c), recover.c does it,
 * recover_inodes.c and recover_ahead.c have the disk read for it, recover_file.c mends one file,
 * recover_index.c makes a recording from sidecar and file, recover_second.c tells whose file it is,
 * recover_deleted.c finishes deletions. */
#ifndef REEL_STORE_RECOVER_INTERNAL_H
#define REEL_STORE_RECOVER_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "store/recover.h"
#include "store/sidecar.h"

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct recovery {
    struct reel_home *home;
    const struct reel_log *log;
    uint64_t batch_max_bytes;
    int64_t now_us;
    reel_store_progress_fn *progress; /* NULL where none is wanted */
    void *progress_user;
    bool syncfs; /* one at the end of each transaction reaches all on the store's own disk */
    struct reel_sidecars *sidecars;
    struct reel_store_report report;
};

/* What stands under one name. */
enum row_kind { ROW_NONE, ROW_OPEN, ROW_COMPLETE };
struct found {
    UT_hash_handle hh;
    bool has_wav;
    bool has_sidecar;
    bool wav_blocked; /* what has the file's name is no file */
    bool sidecar_blocked;
    enum row_kind row;
    bool fits; /* the file is as long as the row says */
    uint64_t file_bytes;
    int64_t file_us; /* when the file, and its sidecar, were last written */
    int64_t sidecar_us;
    const char *device; /* these two stand behind and in the key */
    const char *session;
    char key[]; /* "device/session" */
};

/* All names that have files or rows. Freed by reel_recover_tree_free. NOT_FOUND where there are
 * rows and not a single folder; nothing was changed. */
enum reel_code reel_recover_tree(struct recovery *recovery, struct found **found_out,
                                 struct reel_error *err_out);
void reel_recover_tree_free(struct found **found);

/* Call `each` for every name in the folder `fd`, which is closed; in the order of their inodes, as
 * what it asks for then lies on the disk one behind the other. */
typedef enum reel_code reel_recover_name_fn(void *user, int fd, const char *folder,
                                            const char *name, struct reel_error *err_out);
enum reel_code reel_recover_each_name(int fd, const char *folder, reel_recover_name_fn *each,
                                      void *user, struct reel_error *err_out);

/* The devices' folders that are to be gone through, each once (free `items`). `any`: there were
 * some, whether they open or not. */
struct folder {
    dev_t device;
    ino_t inode;
    bool link;
    char name[REEL_NAME_BYTES];
};
struct folders {
    struct folder *items;
    size_t count;
    size_t capacity;
    bool any;
};
enum reel_code reel_recover_folders(struct recovery *recovery, struct folders *folders_out,
                                    struct reel_error *err_out);

/* Have the disk read the inodes of all files in these folders, by threads, while they are gone
 * through one after the other. NULL where there can be none, which stop takes too: it comes before
 * `folders` goes. */
struct inodes;
struct inodes *reel_recover_inodes_start(const struct recovery *recovery,
                                         const struct folders *folders);
void reel_recover_inodes_stop(struct inodes *inodes);

/* Finish the uploads that were being installed, and bring the others and their files to agree. */
enum reel_code reel_recover_uploads(struct recovery *recovery, struct reel_error *err_out);

/* Whether a WAV file without a row is another recording's, under a second name or as a copy: then
 * it is left alone, which goes to the log. */
enum reel_code reel_recover_is_second(struct recovery *recovery, const struct found *found,
                                      bool *second_out, struct reel_error *err_out);

/* Remove "device/session" with that suffix. */
enum reel_code reel_recover_unlink(struct recovery *recovery, const struct found *found,
                                   const char *suffix, struct reel_error *err_out);

/* Of a name without a row: remove what a committed deletion left, and forget it in `found`. */
enum reel_code reel_recover_deletion(struct recovery *recovery, struct found *found,
                                     struct reel_error *err_out);

/* Where all recordings will be looked at, in the order of `all`: have the disk read the files of
 * those to come, by a thread. NULL where there can be none, which the others take too. Step before
 * each one; stop before `all` goes. */
struct ahead;
struct ahead *reel_recover_ahead_start(const struct recovery *recovery, const struct found *all);
void reel_recover_ahead_step(struct ahead *ahead);
void reel_recover_ahead_stop(struct ahead *ahead);

/* Tell how far it is: `total` is 0 while names are still looked for. STALLED: it is to end. */
enum reel_code reel_recover_tell(const struct recovery *recovery, uint64_t done, uint64_t total,
                                 struct reel_error *err_out);

/* When a file was last written. */
int64_t reel_recover_modified_us(const struct stat *status);

/* Mend the file of a recording that has a row: length, gaps, header; synced or left to the sync of
 * all. `*changed_out`: the recording changed, its row must be saved. NOT_FOUND where the header
 * names another recording; with `any_owner` that is overwritten. */
enum reel_code reel_recover_file(struct recovery *recovery, struct reel_recording *recording,
                                 bool any_owner, bool *changed_out, struct reel_error *err_out);

/* Make the recording that sidecar and file of that name describe. BAD_REQUEST where the file is no
 * WAV file of ours. */
enum index_source { INDEX_FILE, INDEX_SIDECAR_AND_TAIL, INDEX_SIDECAR };
enum reel_code reel_recover_index(struct recovery *recovery, const struct found *found,
                                  struct reel_recording *recording_out,
                                  enum index_source *source_out, struct reel_error *err_out);

/* Turn everything from that frame on into gaps, in whole fragments: what is marked may begin
 * earlier. Returns from where. STALLED without memory. */
enum reel_code reel_recover_lose(struct reel_recording *recording, uint64_t from_frame,
                                 uint64_t *lost_from_out, struct reel_error *err_out);

#endif
