/* Config, reading: the lines of one INI file. inih takes them apart; what it would pass over in
 * silence, or tell of the first alone, is found on the way to it. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/config_internal.h"
#include "io/loop.h"
#include "wire/utf8.h"

enum { FILE_BYTES_MAX = 1 << 20, LINE_BYTES_MAX = INI_MAX_LINE - 2 }; /* its end and a 0 aside */
/* So long a pipe may have nothing to read. */
enum { PIPE_US = 1000000 };

struct reading {
    struct reel_config *config;
    struct reel_complaints *complaints;
    const struct reel_config_file *of;
    FILE *file;
    size_t bytes;  /* that were read */
    int line;      /* the one that was read last, from 1 on */
    bool indented; /* it is */
    bool awaited;  /* it should set something, and has not by now */
    int errno_value;
};

static void complain(const struct reading *reading, const char *message)
{
    char place[REEL_LOCATION_BYTES];

    reel_config_location(reading->config, reading->of->lines_before + reading->line, place);
    reel_complain(reading->complaints, place, "%s", message);
}

/* A byte, EOF at the end or where it is time to give the file up. */
static int next_byte(struct reading *reading)
{
    int byte;

    if (reading->bytes == FILE_BYTES_MAX)
        return EOF;
    byte = getc(reading->file);
    if (byte == EOF)
        reading->errno_value = ferror(reading->file) ? errno : 0;
    else
        reading->bytes++;
    return byte;
}

/* Read a line, its end left away; what is longer than `capacity` is read and dropped. Returns how
 * long it was, -1 at the end of the file. */
static long take_line(struct reading *reading, char *out, size_t capacity)
{
    size_t length = 0;
    int byte = next_byte(reading);

    if (byte == EOF)
        return -1;
    for (; byte != EOF && byte != '\n'; byte = next_byte(reading)) {
        if (length < capacity)
            out[length] = (char)byte;
        length++;
    }
    return (long)length;
}

/* Of control characters only white space is text, and a return where the line ends. */
static bool has_control(const char *line, size_t length)
{
    while (length > 0 && line[length - 1] == '\r')
        length--;
    for (size_t i = 0; i < length; i++) {
        if (((unsigned char)line[i] < 0x20 && !strchr("\t\f\v", line[i])) || line[i] == 0x7f)
            return true;
    }
    return false;
}

/* Complain of what is wrong with a line before it is taken apart. */
static bool line_is_text(const struct reading *reading, const char *line, size_t length)
{
    char too_long[64];

    if (memchr(line, '\0', length < LINE_BYTES_MAX ? length : LINE_BYTES_MAX)) {
        complain(reading, "a NUL byte: the file must be text in UTF-8");
        return false;
    }
    if (length > LINE_BYTES_MAX) {
        snprintf(too_long, sizeof too_long, "the line has %zu bytes: it may have %d", length,
                 LINE_BYTES_MAX);
        complain(reading, too_long);
        return false;
    }
    if (!reel_utf8_valid(line, length)) {
        complain(reading, "not UTF-8: save the file as UTF-8");
        return false;
    }
    if (has_control(line, length)) {
        complain(reading, "a control character: lines end in a newline, and hold text");
        return false;
    }
    return true;
}

/* Whether inih should find a setting on it, as on all but blank lines, comments and sections. */
static bool sets_something(const char *line)
{
    return !strchr(";#[", line[strspn(line, " \t\r\f\v")]);
}

/* What stands on the line of a section is its name, and perhaps a comment. */
static void look_at_section(const struct reading *reading, const char *line)
{
    const char *end = strchr(line, ']');

    if (!end)
        complain(reading, "a section is [NAME] or [NAME \"PATTERN\"]: there is no ]");
    else if (sets_something(end + 1) && end[1 + strspn(end + 1, " \t\r\f\v")])
        complain(reading, "a section has a line of its own: nothing stands behind its ]");
}

static void look_at(struct reading *reading, const char *line)
{
    static const char bom[] = "\xef\xbb\xbf";

    if (reading->line == 1 && strncmp(line, bom, sizeof bom - 1) == 0)
        line += sizeof bom - 1;
    reading->indented = isspace((unsigned char)line[0]) != 0;
    reading->awaited = sets_something(line);
    if (line[strspn(line, " \t")] == '[')
        look_at_section(reading, line);
}

static void end_line(struct reading *reading)
{
    if (reading->awaited)
        complain(reading, "neither [section] nor key = value");
    reading->awaited = false;
}

/* inih's reader: it is given each line that can be taken apart, and an empty one for any other. */
static char *read_line(char *out, int capacity, void *user)
{
    struct reading *reading = user;
    char line[LINE_BYTES_MAX];
    long length;

    end_line(reading);
    length = take_line(reading, line, sizeof line);
    if (length < 0)
        return NULL;
    reading->line++;
    if (!line_is_text(reading, line, (size_t)length) || length > capacity - 2)
        length = 0;
    memcpy(out, line, (size_t)length);
    out[length] = '\0';
    look_at(reading, out);
    memcpy(out + length, "\n", 2);
    return out;
}

/* inih's handler: 1 goes on. */
static int on_line(void *user, const char *section, const char *key, const char *text)
{
    struct reading *reading = user;
    struct reel_error error;
    char message[REEL_ERROR_MESSAGE_BYTES + 64];

    reading->awaited = false;
    if (reel_config_set(reading->config, section, key, text,
                        reading->of->lines_before + reading->line, &error) == REEL_OK)
        return 1;
    snprintf(message, sizeof message, "%s%s", error.message,
             reading->indented ? " (an indented line goes on with the setting before it)" : "");
    complain(reading, message);
    return 1;
}

/* The file's place in the list; NULL, and it is told, where there is none. */
static const struct reel_config_file *add_file(struct reel_config *config, const char *path,
                                               struct reel_complaints *complaints)
{
    struct reel_config_file *file = &config->files[config->files_count];

    if (config->files_count == REEL_CONFIG_FILES_MAX || strlen(path) >= sizeof file->path) {
        reel_complain(complaints, path,
                      "not read: settings are in at most %d files, whose paths have at most %d "
                      "characters",
                      REEL_CONFIG_FILES_MAX, REEL_SETTING_BYTES - 1);
        return NULL;
    }
    snprintf(file->path, sizeof file->path, "%s", path);
    config->files_count++;
    return file;
}

static void complain_of_file(struct reel_complaints *complaints, const char *path, int errno_value)
{
    reel_complain(complaints, path, "%s: it must be a file that the sink's user may read",
                  errno_value == ETIME ? "A pipe that nothing comes from" : strerror(errno_value));
}

/* Neither opening nor waiting for a pipe that nobody writes to may last: the sink that reads its
 * settings again looks at no signal meanwhile. NULL with errno; ETIME: it is such a pipe. */
static FILE *open_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    FILE *file = NULL;

    if (fd < 0)
        return NULL;
    if (reel_poll(&ready, 1, reel_monotonic_us() + PIPE_US) == 0)
        errno = ETIME;
    else if (fcntl(fd, F_SETFL, O_RDONLY) == 0)
        file = fdopen(fd, "r");
    if (!file) {
        int errno_value = errno;

        close(fd);
        errno = errno_value;
    }
    return file;
}

void reel_config_read(struct reel_config *config, const char *path,
                      struct reel_complaints *complaints)
{
    size_t complaints_before = complaints->count;
    struct reading reading = {.config = config, .complaints = complaints};
    int lines_before = config->lines_count;
    int bad_line;

    reading.file = open_file(path);
    if (!reading.file) {
        complain_of_file(complaints, path, errno);
        return;
    }
    reading.of = add_file(config, path, complaints);
    if (reading.of) {
        config->files[config->files_count - 1].lines_before = lines_before;
        bad_line = ini_parse_stream(read_line, &reading, on_line, &reading);
        end_line(&reading);
        config->lines_count += reading.line;
        if (bad_line && complaints->count == complaints_before)
            complain(&reading, "neither [section] nor key = value");
    }
    if (reading.bytes == FILE_BYTES_MAX)
        reel_complain(complaints, path, "larger than 1 MiB: this is no file of settings");
    if (fclose(reading.file) != 0 && reading.errno_value == 0)
        reading.errno_value = errno;
    if (reading.errno_value)
        complain_of_file(complaints, path, reading.errno_value);
}
