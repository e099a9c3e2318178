#!/usr/bin/env bash
# Installs what CI takes from Debian and this machine lacks. Only root can; others are told what to
# install.
set -euo pipefail
cd "$(dirname "$0")/.."

has() { command -v "$1" >/dev/null; }

missing=()
[ -e /usr/include/doctest/doctest.h ] || missing+=(doctest-dev)
if ! .ci/clang >/dev/null; then
  version=$(clang++ -dumpversion 2>/dev/null | cut -d. -f1 || true)
  has clang++ || missing+=(clang)
  missing+=("libclang-rt-${version:+$version-}dev")
fi
has gvpr || missing+=(graphviz)
has chromium || missing+=(chromium)
has iverilog || missing+=(iverilog)
has tclsh || missing+=(tcl)
if [ "$(uname -m)" != aarch64 ]; then
  has aarch64-linux-gnu-g++ || missing+=(g++-aarch64-linux-gnu)
  has qemu-aarch64 || has qemu-aarch64-static || missing+=(qemu-user)
fi
# Microcontrollers, for the C that lgnx writes.
has arm-none-eabi-gcc || missing+=(gcc-arm-none-eabi libnewlib-arm-none-eabi)
has riscv64-unknown-elf-gcc || missing+=(gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf)
has qemu-arm || missing+=(qemu-user)
[ ${#missing[@]} -gt 0 ] || exit 0

install="apt-get install ${missing[*]}"
if [ "$(id -u)" != 0 ] || ! has apt-get; then
  echo "CI needs packages that are not installed; on Debian, as root: $install" >&2
  exit 1
fi
echo "installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
$install -qq -y --no-install-recommends >/dev/null
