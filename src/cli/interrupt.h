/* Interrupt: Ctrl-C and SIGTERM as a descriptor. */
#ifndef REEL_CLI_INTERRUPT_H
#define REEL_CLI_INTERRUPT_H

#include <stdbool.h>

/* Hold the signals back and return a descriptor that is readable when one came; -1 if that cannot
 * be had. Close it with reel_interrupt_close, which lets the signals through again. */
int reel_interrupt_open(void);
void reel_interrupt_close(int fd);

/* Take one; false if none came. */
bool reel_interrupt_take(int fd);

/* While something blocks that nothing can be polled for, let the signals end the program. Says
 * whether they were held back before. */
bool reel_interrupt_allow(bool allowed);

#endif
