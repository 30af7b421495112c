// JsonWriter: a JSON value as text, piece by piece into whatever space there is.
//
// The text is what Go's encoder makes, because clients compare it: compact, `<`, `>`, `&`, U+2028 and U+2029
// escaped, numbers in their shortest form, bytes that are no UTF-8 replaced. Keeps a stack of open containers
// in `memory` and no text. Used once; loop thread.
#pragma once

#include "alloc/bytes.hpp"

#include <cstddef>
#include <memory_resource>
#include <string_view>
#include <vector>

#include <boost/json/value.hpp>

namespace masu::core::rpc {

class JsonWriter {
 public:
  // The space that fill() needs at least to go on.
  static constexpr std::size_t space_bytes_min = 64;

  // `value` outlives the writer.
  JsonWriter(const boost::json::value& value, std::pmr::memory_resource& memory);

  // Writes the next part of the text, and returns its size; 0: all was written.
  // Requires: out.size() >= space_bytes_min.
  std::size_t fill(MutableBytes out);

 private:
  struct Level {
    const boost::json::value* container;
    std::size_t next = 0;    // element
    bool value_due = false;  // of an object: the key was written
  };

  void begin(const boost::json::value& value, char*& out);
  void step(char*& out);
  void copy_text(char*& out, const char* end);

  std::pmr::vector<Level> levels_;
  const boost::json::value* first_;  // until it was begun
  std::string_view text_;            // the rest of an open string
  bool in_text_ = false;
};

}  // namespace masu::core::rpc
