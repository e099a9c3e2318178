#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>

#include "testing.h"

int main(int argc, char** argv) {
  std::printf("kernels:");
  for (const lgnx::Kernels* k : lgnx::testing::variants()) std::printf(" %s", k->name);
  std::printf("\n");
  return doctest::Context(argc, argv).run();
}
