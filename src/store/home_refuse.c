/* Home, refused: users by name, advice by error number. */
#include "store/home_refuse.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { USER_BYTES = 64, ENTRY_BYTES = 4096 };

/* The user's name, or its number. */
static void name_user(uid_t user_id, char out[USER_BYTES])
{
    struct passwd entry;
    struct passwd *found = NULL;
    char buffer[ENTRY_BYTES];

    if (getpwuid_r(user_id, &entry, buffer, sizeof buffer, &found) == 0 && found)
        snprintf(out, USER_BYTES, "%s", entry.pw_name);
    else
        snprintf(out, USER_BYTES, "%lu", (unsigned long)user_id);
}

/* Who owns what we make in the folder; false where that cannot be told. */
static bool find_own(int dir_fd, uid_t *user_id_out)
{
    int fd = openat(dir_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    struct stat made;
    bool told = fd >= 0 && fstat(fd, &made) == 0;

    if (fd >= 0)
        close(fd);
    if (told)
        *user_id_out = made.st_uid;
    return told;
}

enum reel_code reel_home_check_owner(int dir_fd, const char *dir, struct reel_error *err_out)
{
    char owner[USER_BYTES];
    char self[USER_BYTES];
    struct stat id;
    uid_t own;

    if (fstatat(dir_fd, "store.id", &id, AT_SYMLINK_NOFOLLOW) != 0 || id.st_uid == geteuid() ||
        !find_own(dir_fd, &own) || own == id.st_uid)
        return REEL_OK;
    name_user(id.st_uid, owner);
    name_user(own, self);
    return reel_error_set(
        err_out, REEL_E_NOT_ALLOWED, "store.dir",
        "%.100s is the store of user %s: run this as %s (runuser -u %s -- reeld), "
        "or give all of it to %s (chown -R)",
        dir, owner, owner, owner, self);
}

/* Behind what is said already, as far as there is room. */
__attribute__((format(printf, 2, 3))) static void put(struct reel_error *error, const char *advice,
                                                      ...)
{
    size_t used = strlen(error->message);
    va_list args;

    va_start(args, advice);
    vsnprintf(error->message + used, sizeof error->message - used, advice, args);
    va_end(args);
}

enum reel_code reel_home_advise(const char *dir, struct reel_error *error)
{
    char self[USER_BYTES];

    switch (error->errno_value) {
    case EACCES:
    case EPERM:
        name_user(geteuid(), self);
        put(error, ": let user %s write there (chown -R %s %s)", self, self, dir);
        error->code = REEL_E_NOT_ALLOWED;
        break;
    case ENOTDIR:
    case ENOENT:
        put(error, ": make the folder of store.dir, or mount its disk");
        break;
    case EROFS:
        put(error, ": mount it for writing, and name it in the unit's ReadWritePaths=");
        break;
    case ENOSPC:
    case EDQUOT:
        put(error, ": make room on the disk of %s", dir);
        break;
    default:
        break;
    }
    return error->code;
}
