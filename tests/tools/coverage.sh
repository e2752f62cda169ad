#!/bin/bash
# Build with coverage, run the tests on that build, and say which lines they did not reach.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=build/cov
mkdir -p $build
find $build -name '*.gcda' -delete
tests/run --builds cov || echo "Some tests failed; what they reached is counted all the same."
gcovr --root . --object-directory $build --filter src/ --exclude-unreachable-branches \
    --gcov-ignore-parse-errors --html-details $build/coverage.html --txt --sort-percentage
echo "In detail: $build/coverage.html"
