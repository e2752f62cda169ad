/* WAV chunks: where a bext chunk has its fields, for writing a header and reading one. */
#ifndef REEL_CORE_WAV_CHUNKS_H
#define REEL_CORE_WAV_CHUNKS_H

/* Where the fields of a bext chunk begin (EBU Tech 3285, version 1), and its least length. */
enum {
    REEL_BEXT_DESCRIPTION = 0,      /* 256 characters */
    REEL_BEXT_ORIGINATOR = 256,     /* 32 */
    REEL_BEXT_REFERENCE = 288,      /* 32 */
    REEL_BEXT_DATE = 320,           /* 10: yyyy-mm-dd */
    REEL_BEXT_TIME = 330,           /* 8: hh:mm:ss */
    REEL_BEXT_TIME_REFERENCE = 338, /* u64: frames since midnight */
    REEL_BEXT_VERSION = 346,        /* u16; then 64 of UMID, 190 reserved */
    REEL_BEXT_BYTES = 602,
};

#endif
