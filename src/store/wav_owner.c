/* WAV files: whose one is, by its header. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/wav_header.h"
#include "store/disk.h"
#include "store/wav.h"
#include "wire/topic.h"

enum { NAME_BYTES = 2 * REEL_NAME_BYTES + 8 };

/* What one file says of itself. */
struct claim {
    struct stat status;
    struct reel_wav_info info;
    char own_name[NAME_BYTES];
};

static bool read_claim(int fd, const char *name, struct claim *claim)
{
    uint8_t head[REEL_WAV_DATA_OFFSET];
    const struct reel_wav_info *info = &claim->info;

    if (fstat(fd, &claim->status) != 0 || !S_ISREG(claim->status.st_mode) ||
        reel_disk_read(fd, head, sizeof head, 0, name, NULL) != REEL_OK ||
        !reel_wav_parse(head, sizeof head, &claim->info) || info->id == 0 ||
        !reel_name_valid(info->device, strlen(info->device)) ||
        !reel_name_valid(info->session, strlen(info->session)))
        return false;
    snprintf(claim->own_name, sizeof claim->own_name, "%s/%s.wav", info->device, info->session);
    return true;
}

/* A FIFO must not make it wait. */
static bool open_claim(int root_fd, const char *name, struct claim *claim)
{
    int fd = openat(root_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    bool read;

    if (fd < 0)
        return false;
    read = read_claim(fd, name, claim);
    close(fd);
    return read;
}

bool reel_wav_find_owner(int root_fd, const char *name, struct reel_wav_owner *owner_out)
{
    struct claim claim;
    struct claim own;

    if (!open_claim(root_fd, name, &claim) || strcmp(claim.own_name, name) == 0 ||
        !open_claim(root_fd, claim.own_name, &own) || own.info.id != claim.info.id ||
        strcmp(own.own_name, claim.own_name) != 0)
        return false;
    *owner_out = (struct reel_wav_owner){
        .id = own.info.id,
        .same_file =
            own.status.st_dev == claim.status.st_dev && own.status.st_ino == claim.status.st_ino,
    };
    memcpy(owner_out->device, own.info.device, sizeof owner_out->device);
    memcpy(owner_out->session, own.info.session, sizeof owner_out->session);
    return true;
}

bool reel_wav_find_id(int root_fd, const char *name, uint64_t *id_out)
{
    struct claim claim;

    if (!open_claim(root_fd, name, &claim))
        return false;
    *id_out = claim.info.id;
    return true;
}
