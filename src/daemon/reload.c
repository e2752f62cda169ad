/* Reload: new settings, and how they differ. */
#include "daemon/reload.h"

#include "daemon/config.h"

static void log_complaint(void *user, const char *text)
{
    const struct reel_reload *reload = user;

    reel_log_write(reload->log, REEL_LOG_ERROR, "%s", text);
}

static void log_change(void *user, const struct reel_setting *setting, const char *was,
                       const char *is)
{
    const struct reel_reload *reload = user;

    if (setting->change == REEL_SETTING_RESTART)
        reel_log_write(reload->log, REEL_LOG_WARNING,
                       "%s needs a restart: it is \"%s\" until then, and \"%s\" after it",
                       setting->name, was, is);
    else
        reel_log_write(reload->log, REEL_LOG_NOTICE, "%s is \"%s\" now, it was \"%s\"",
                       setting->name, is, was);
}

static void set_level(const struct reel_reload *reload, const struct reel_config *config)
{
    reel_log_set(reload->log, (enum reel_log_priority)config->log_level);
}

/* Of the two levels the one that says more holds while it is told what has changed. */
bool reel_reload_run(const struct reel_reload *reload)
{
    struct reel_reload user = *reload;
    struct reel_complaints complaints;
    const struct reel_config *running;
    struct reel_config *config;

    reel_complaints_init(&complaints);
    config = reel_config_load(reload->sources, &complaints);
    if (!config) {
        reel_complaints_each(&complaints, log_complaint, &user);
        reel_log_write(reload->log, REEL_LOG_ERROR,
                       "the settings stay as they were: put right what is wrong, and reload again");
        return false;
    }
    running = reel_config_share_newest(reload->share);
    set_level(reload, running->log_level > config->log_level ? running : config);
    reel_config_keep_fixed(running, config, log_change, &user);
    reel_log_write(reload->log, REEL_LOG_NOTICE, "the settings were read again");
    set_level(reload, config);
    reel_config_share_replace(reload->share, config);
    return true;
}
