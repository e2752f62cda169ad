/* Fuzz: a fragment that is a small WAV file, with its numbers as user properties. */
#include "fuzz/fuzz_fragment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct message message;

    message_take(&message, data, bytes);
    if (reel_payload_kind_of(message.payload, message.bytes) == REEL_PAYLOAD_WAV)
        fuzz_message(&message);
    free(message.text);
    return 0;
}
