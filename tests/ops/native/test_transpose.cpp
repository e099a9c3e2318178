// Transposition of tiles, and their bits as bytes.
#include <doctest/doctest.h>

#include "testing.h"

using namespace lgnx;
using namespace lgnx::testing;

TEST_CASE("bit j of row i becomes bit i of row j, in every lane") {
  Random random(8);
  for (const Kernels* k : variants())
    for (size_t lanes : kLanes) {
      CAPTURE(k->name);
      CAPTURE(lanes);
      Words rows(64 * lanes), tile(64 * lanes);
      for (int round = 0; round < 4; ++round) {
        for (size_t i = 0; i < rows.size(); ++i)
          tile[i] = rows[i] = round ? random.word() : uint64_t{1} << i % 64;
        k->transpose(tile.data(), lanes);
        size_t wrong = 0;
        for (size_t r = 0; r < 64 * lanes; ++r)
          for (size_t j = 0; j < 64; ++j)
            wrong += tile_bit(tile, lanes, r, j) != (rows[r] >> j & 1);
        CHECK(wrong == 0);
      }
    }
}

TEST_CASE("bits of tiles become bytes") {
  Random random(9);
  for (const Kernels* k : variants())
    for (size_t lanes : kLanes)
      for (size_t bits : {1, 7, 63, 64, 65, 128, 200, 1024}) {
        const bool packed = bits % 2;
        CAPTURE(k->name);
        CAPTURE(lanes);
        CAPTURE(bits);
        const size_t rows = 1 + random.below(64 * lanes), stride = bits + random.below(3);
        const size_t n_tiles = (bits + 63) / 64;
        Words tiles((n_tiles - 1) * tile_stride(lanes) + 64 * lanes);
        for (uint64_t& word : tiles) word = random.word();
        std::vector<uint8_t> out((rows - 1) * stride + bits, 7), want(out);
        for (size_t r = 0; r < rows; ++r)
          for (size_t j = 0; j < bits; ++j)
            want[r * stride + j] =
                tiles[j / 64 * tile_stride(lanes) + (packed ? r % 64 * lanes + r / 64 : r)] >>
                    j % 64 &
                1;
        k->expand(tiles.data(), lanes, packed, rows, bits, out.data(), stride);
        CHECK(out == want);
      }
}
