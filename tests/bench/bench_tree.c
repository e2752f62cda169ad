/* Read what a start or a reindex has to read of a store, and do nothing with it.
 *
 *   bench_tree DIR look   the names in recordings/, what stat says of each file, and catalog.db
 *   bench_tree DIR read   the names, the header of each WAV file, and each sidecar
 *
 * One call after the other, in the order of the folders: what the disk (or its cache) needs for
 * that. Prints {"files", "bytes", "ms"}. */
#include <dirent.h>
#include <inttypes.h>

#include "bench/load.h"
#include "core/wav_header.h"

enum { READ_BYTES = 64 * 1024 };

struct tree {
    bool read;
    uint64_t files;
    uint64_t bytes;
};

static void read_file(struct tree *tree, int folder_fd, const char *name, uint64_t most_bytes)
{
    static uint8_t bytes[READ_BYTES];
    int fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC);
    uint64_t done = 0;
    ssize_t got = 1;

    demand(fd >= 0, name);
    while (got > 0 && done < most_bytes) {
        uint64_t left = most_bytes - done;

        got = read(fd, bytes, left < sizeof bytes ? left : sizeof bytes);
        demand(got >= 0, name);
        done += (uint64_t)got;
    }
    close(fd);
    tree->bytes += done;
}

static void visit(struct tree *tree, int folder_fd, const char *name)
{
    const char *end = strrchr(name, '.');
    struct stat status;

    if (name[0] == '.' || !end)
        return;
    tree->files++;
    if (tree->read)
        read_file(tree, folder_fd, name,
                  strcmp(end, ".wav") == 0 ? REEL_WAV_DATA_OFFSET : UINT64_MAX);
    else
        demand(fstatat(folder_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0, name);
}

static DIR *open_folder(int parent_fd, const char *name)
{
    int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;

    demand(folder != NULL, name);
    return folder;
}

static void walk(struct tree *tree, int root_fd)
{
    DIR *root = open_folder(root_fd, "recordings");
    struct dirent *device;
    struct dirent *file;

    while ((device = readdir(root))) {
        DIR *folder;

        if (device->d_name[0] == '.')
            continue;
        folder = open_folder(dirfd(root), device->d_name);
        while ((file = readdir(folder)))
            visit(tree, dirfd(folder), file->d_name);
        closedir(folder);
    }
    closedir(root);
}

int main(int argc, char **argv)
{
    int64_t began_us = monotonic_us();
    struct tree tree = {0};
    DIR *root;

    demand(argc == 3, "bench_tree DIR look|read");
    tree.read = strcmp(argv[2], "read") == 0;
    root = open_folder(AT_FDCWD, argv[1]);
    walk(&tree, dirfd(root));
    if (!tree.read)
        read_file(&tree, dirfd(root), "catalog.db", UINT64_MAX);
    closedir(root);
    printf("{\"files\": %" PRIu64 ", \"bytes\": %" PRIu64 ", \"ms\": %.3f}\n", tree.files,
           tree.bytes, (double)(monotonic_us() - began_us) / 1000);
    return 0;
}
