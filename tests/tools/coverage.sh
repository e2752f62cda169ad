#!/bin/bash
# Build with coverage, run the tests on that build, and say which lines they did not reach.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=build/cov
make --no-print-directory -j2 COV=1 all test-programs
find $build -name '*.gcda' -delete
for program in $build/tests/*/test_*; do
    [[ -x $program && ! -d $program && $program != *.[od] ]] || continue
    CMOCKA_MESSAGE_OUTPUT=TAP "$program" >/dev/null || echo "$program failed" >&2
done
REEL_BUILD=$build /usr/bin/python3 -B -m pytest -q -p no:cacheprovider tests/broker || true
gcovr --root . --object-directory $build --filter src/ --exclude-unreachable-branches \
    --html-details $build/coverage.html --txt --sort-percentage
echo "In detail: $build/coverage.html"
