/* Sidecar, inside: the words that its encoder and decoder share. */
#ifndef REEL_STORE_SIDECAR_NAMES_H
#define REEL_STORE_SIDECAR_NAMES_H

/* By enum reel_run_kind and enum reel_stretch_reason, ended by NULL. */
extern const char *const reel_run_kind_names[];
extern const char *const reel_stretch_reason_names[];

#endif
