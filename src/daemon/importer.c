/* Importer: one job after the other. */
#include "daemon/importer.h"

#include <stdint.h>
#include <stdlib.h>

#include "io/loop.h"

/* An upload that is given up because it is time to end is converted after the next start. */
static void work(const struct reel_importer *importer, struct reel_conversion *conversion)
{
    const struct reel_config *config = importer->settings->config;
    const struct reel_convert_limits limits = {config->upload_formats,
                                               config->upload_max_audio_bytes, importer->stop_fd};

    if (!reel_upload_convert(importer->store_dir, &limits, conversion) ||
        !reel_mailbox_post(importer->imports, conversion, 0))
        free(conversion);
}

void reel_importer_run(const struct reel_importer *importer)
{
    struct pollfd fds[3] = {
        {.fd = importer->stop_fd, .events = POLLIN},
        {.fd = reel_mailbox_fd(importer->jobs), .events = POLLIN},
        {.fd = reel_config_follower_fd(importer->settings), .events = POLLIN},
    };

    for (;;) {
        struct reel_conversion *conversion;

        reel_poll(fds, 3, INT64_MAX);
        if (fds[0].revents)
            return;
        reel_config_follower_renew(importer->settings);
        conversion = reel_mailbox_take(importer->jobs);
        if (conversion)
            work(importer, conversion);
    }
}
