/* Query, views: the bytes of a download's parts, read together and only then sent. */
#ifndef REEL_DAEMON_QUERY_VIEW_H
#define REEL_DAEMON_QUERY_VIEW_H

#include "base/err.h"
#include "core/view.h"
#include "store/reader.h"
#include "wire/message.h"

/* Append bytes [offset, offset + bytes) of the view to `out`: of its header, its samples, its pad.
 * The range lies within the view. The errors of reel_reader_audio, INTERNAL if memory ran out;
 * then `out` holds part of it. */
enum reel_code reel_view_read(const struct reel_view *view, const struct reel_recording *recording,
                              struct reel_reader *reader, uint64_t offset, uint64_t bytes,
                              struct reel_buffer *out, struct reel_error *err_out);

/* Append all parts that the download asks for, one behind the other. */
enum reel_code reel_view_read_parts(const struct reel_view *view,
                                    const struct reel_download *download,
                                    const struct reel_recording *recording,
                                    struct reel_reader *reader, struct reel_buffer *out,
                                    struct reel_error *err_out);

#endif
