#!/bin/bash
# Every header for recorder firmware compiles by itself, as C99 and as C++11, without a warning.
set -euo pipefail
cd "$(dirname "$0")/../.."
headers=(include/reel/*.h)
[ -e "${headers[0]}" ] || { echo "include/reel holds no header"; exit 1; }
warnings='-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wundef -Werror'
for header in "${headers[@]}"; do
    line="#include <${header#include/}>"
    gcc -std=c99 $warnings -Wstrict-prototypes -Iinclude -fsyntax-only -x c - <<<"$line"
    g++ -std=c++11 $warnings -Iinclude -fsyntax-only -x c++ - <<<"$line"
done
echo "${#headers[@]} headers"
