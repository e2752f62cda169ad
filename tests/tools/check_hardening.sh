#!/bin/bash
# The programs are built so that a mistake in them is hard to use: their code lies anywhere (PIE), what
# the loader filled in cannot be written (full RELRO), no stack is executable, and the compiler's
# guards and the C library's checks are in.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${REEL_BUILD:-build}

has() {
    local what=$1 pattern=$2 text=$3
    grep -q -E "$pattern" <<<"$text" || { echo "$program: $what is missing"; exit 1; }
}

for program in "$build/reeld" "$build/reel"; do
    header=$(readelf --wide --file-header "$program")
    segments=$(readelf --wide --program-headers "$program")
    dynamic=$(readelf --wide --dynamic "$program")
    symbols=$(readelf --wide --dyn-syms "$program")
    has 'PIE' 'Type: +DYN' "$header"
    has 'the flag of a PIE' 'FLAGS_1.*\bPIE\b' "$dynamic"
    has 'RELRO' 'GNU_RELRO' "$segments"
    has 'binding at start' 'FLAGS.*\b(BIND_)?NOW\b' "$dynamic"
    has 'a stack that is not executable' 'GNU_STACK.* RW +0x' "$segments"
    has 'a stack protector' '__stack_chk_fail' "$symbols"
    has 'a checked function of the C library' '__(memcpy|snprintf|vsnprintf|fprintf|read)_chk' "$symbols"
done

# The third level checks sizes that are known only at run time, which the second passes over.
command=$(make --no-print-directory -n -W src/base/log.c V=1 "BUILD=$build" "$build/obj/base/log.o" |
    grep -o -- '-D_FORTIFY_SOURCE=[0-9]' | tail -n 1)
[ "$command" = -D_FORTIFY_SOURCE=3 ] || { echo "_FORTIFY_SOURCE is not 3: $command"; exit 1; }
