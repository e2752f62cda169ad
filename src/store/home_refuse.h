/* Home, refused: whose store it is, and what to do about one that does not open. */
#ifndef REEL_STORE_HOME_REFUSE_H
#define REEL_STORE_HOME_REFUSE_H

#include "base/err.h"

/* Check that the store in the folder is ours: NOT_ALLOWED where its `store.id` belongs to another
 * user than what we make there does. Root could write it all the same, and its owner no more after
 * that. OK where there is no store yet, or the file system gives files other owners than we are. */
enum reel_code reel_home_check_owner(int dir_fd, const char *dir, struct reel_error *err_out);

/* Add to what went wrong with opening the store in `dir` what to do about it. One that we have no
 * right to becomes NOT_ALLOWED: that does not pass by itself, as a full disk may. Returns the code.
 */
enum reel_code reel_home_advise(const char *dir, struct reel_error *error);

#endif
