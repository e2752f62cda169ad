/* Config, shared: the settings in effect, with which several threads work while SIGHUP replaces
 * them. A config is never changed once it is shared: each thread has one, and takes the new one
 * over where its work allows, so that none sees half of a change. The last to let a config go
 * frees it. */
#ifndef REEL_DAEMON_CONFIG_SHARE_H
#define REEL_DAEMON_CONFIG_SHARE_H

#include <stdbool.h>

#include "base/err.h"
#include "daemon/config.h"

enum { REEL_FOLLOWERS_MAX = 4 };

struct reel_config_share;

/* One thread's part in it. */
struct reel_config_follower {
    struct reel_config_share *share;
    const struct reel_config *config; /* the one it works with */
    int wake_fd;                      /* readable while there is a newer one */
};

/* Takes `config` over, even on failure: STALLED without memory or descriptors. */
enum reel_code reel_config_share_create(struct reel_config *config,
                                        struct reel_config_share **share_out,
                                        struct reel_error *err_out);

/* Once no thread follows it any more. Accepts a pointer to NULL. */
void reel_config_share_destroy(struct reel_config_share **share);

/* A follower with the newest config; it belongs to the share. NULL where there are too many, or
 * descriptors ran out (errno says that). Before the threads run. */
struct reel_config_follower *reel_config_share_follower(struct reel_config_share *share);

/* Let all work with another config, which is taken over. */
void reel_config_share_replace(struct reel_config_share *share, struct reel_config *config);

/* The newest, for the thread that replaces it. */
const struct reel_config *reel_config_share_newest(const struct reel_config_share *share);

/* Readable once all have taken the newest over; reading whether they have takes it back. */
int reel_config_share_fd(const struct reel_config_share *share);
bool reel_config_share_followed(struct reel_config_share *share);

/* The follower's thread: whether there is a newer config, and to take it over: what the old one
 * lent must not be used any more. Both accept NULL, which has no newer. */
bool reel_config_follower_behind(const struct reel_config_follower *follower);
void reel_config_follower_renew(struct reel_config_follower *follower);
int reel_config_follower_fd(const struct reel_config_follower *follower); /* -1: none */

#endif
