#!/bin/sh
# version.sh - prints the header that names the version of the BPF programs: a digest of their source.
set -eu
printf '/* hold_version.h - generated */\n#define HOLD_VERSION "%s"\n' "$(cat "$@" | sha256sum | cut -c1-12)"
