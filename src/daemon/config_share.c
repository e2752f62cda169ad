/* Config, shared: configs that count who has them, under a mutex. */
#include "daemon/config_share.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "io/wake.h"

/* A config and how many have it: the followers, and the share itself of the newest. */
struct held {
    struct reel_config *config;
    unsigned holders;
};

enum { HELD_MAX = REEL_FOLLOWERS_MAX + 2 }; /* each follower's, the newest, and the next */

struct reel_config_share {
    pthread_mutex_t mutex;
    struct held held[HELD_MAX];
    struct held *newest;
    struct reel_config_follower followers[REEL_FOLLOWERS_MAX];
    size_t followers_count;
    int followed_fd;
};

/* A place for a config that nobody has yet; there always is one. */
static struct held *hold(struct reel_config_share *share, struct reel_config *config)
{
    struct held *held = share->held;

    while (held->config)
        held++;
    *held = (struct held){config, 1};
    return held;
}

static void let_go(struct reel_config_share *share, const struct reel_config *config)
{
    struct held *held = share->held;

    while (held->config != config)
        held++;
    if (--held->holders == 0)
        reel_config_destroy(&held->config);
}

enum reel_code reel_config_share_create(struct reel_config *config,
                                        struct reel_config_share **share_out,
                                        struct reel_error *err_out)
{
    struct reel_config_share *share = calloc(1, sizeof *share);
    int rc;

    if (!share) {
        reel_config_destroy(&config);
        return reel_error_errno(err_out, ENOMEM, "settings");
    }
    share->newest = hold(share, config);
    share->followed_fd = reel_wake_open();
    rc = share->followed_fd < 0 ? errno : pthread_mutex_init(&share->mutex, NULL);
    if (rc == 0) {
        *share_out = share;
        return REEL_OK;
    }
    if (share->followed_fd >= 0)
        close(share->followed_fd);
    reel_config_destroy(&config);
    free(share);
    return reel_error_errno(err_out, rc, "settings");
}

void reel_config_share_destroy(struct reel_config_share **share)
{
    struct reel_config_share *gone = *share;

    if (!gone)
        return;
    for (size_t i = 0; i < gone->followers_count; i++)
        close(gone->followers[i].wake_fd);
    for (size_t i = 0; i < HELD_MAX; i++)
        reel_config_destroy(&gone->held[i].config);
    close(gone->followed_fd);
    pthread_mutex_destroy(&gone->mutex);
    free(gone);
    *share = NULL;
}

struct reel_config_follower *reel_config_share_follower(struct reel_config_share *share)
{
    struct reel_config_follower *follower = &share->followers[share->followers_count];
    int wake_fd;

    if (share->followers_count == REEL_FOLLOWERS_MAX)
        return NULL;
    wake_fd = reel_wake_open();
    if (wake_fd < 0)
        return NULL;
    *follower = (struct reel_config_follower){share, share->newest->config, wake_fd};
    share->newest->holders++;
    share->followers_count++;
    return follower;
}

static bool all_followed(const struct reel_config_share *share)
{
    for (size_t i = 0; i < share->followers_count; i++) {
        if (share->followers[i].config != share->newest->config)
            return false;
    }
    return true;
}

void reel_config_share_replace(struct reel_config_share *share, struct reel_config *config)
{
    const struct reel_config *before = share->newest->config;

    pthread_mutex_lock(&share->mutex);
    share->newest = hold(share, config);
    let_go(share, before);
    reel_wake_lower(share->followed_fd);
    for (size_t i = 0; i < share->followers_count; i++)
        reel_wake_raise(share->followers[i].wake_fd);
    pthread_mutex_unlock(&share->mutex);
}

const struct reel_config *reel_config_share_newest(const struct reel_config_share *share)
{
    return share->newest->config;
}

int reel_config_share_fd(const struct reel_config_share *share)
{
    return share->followed_fd;
}

bool reel_config_share_followed(struct reel_config_share *share)
{
    bool followed;

    pthread_mutex_lock(&share->mutex);
    reel_wake_lower(share->followed_fd);
    followed = all_followed(share);
    pthread_mutex_unlock(&share->mutex);
    return followed;
}

bool reel_config_follower_behind(const struct reel_config_follower *follower)
{
    bool behind;

    if (!follower)
        return false;
    pthread_mutex_lock(&follower->share->mutex);
    behind = follower->config != follower->share->newest->config;
    pthread_mutex_unlock(&follower->share->mutex);
    return behind;
}

void reel_config_follower_renew(struct reel_config_follower *follower)
{
    struct reel_config_share *share;

    if (!follower)
        return;
    share = follower->share;
    pthread_mutex_lock(&share->mutex);
    reel_wake_lower(follower->wake_fd);
    if (follower->config != share->newest->config) {
        let_go(share, follower->config);
        follower->config = share->newest->config;
        share->newest->holders++;
        if (all_followed(share))
            reel_wake_raise(share->followed_fd);
    }
    pthread_mutex_unlock(&share->mutex);
}

int reel_config_follower_fd(const struct reel_config_follower *follower)
{
    return follower ? follower->wake_fd : -1;
}
